import assert from "node:assert/strict";
import { logTag } from "../../../../src/engine/logs/log-tag.ts";
import { aSubject } from "./log-subject.ts";

describe("logTag", () => {
  const tags = [
    ["", "0123456789ab"],
    ["{{.FullID}}", aSubject().id],
    ["{{.ImageName}}/{{.Name}}/{{.ID}}", "busybox:latest/web/0123456789ab"],
    ["{{.ImageID}} {{.ImageFullID}}", `cafe00000000 sha256:cafe${"0".repeat(60)}`],
    ["{{.Command}} on {{.Hostname}} by {{.DaemonName}}", "sh -c true on the-host by docker"],
    ['{{index .ContainerLabels "team"}}-{{upper .Name}}-{{truncate .FullID 3}}', "red-WEB-012"],
    ["plain", "plain"],
  ] as const;
  for (const [tag, expected] of tags) {
    it(`makes ${expected} of ${JSON.stringify(tag)}`, () => assert.equal(logTag(aSubject({ tag })), expected));
  }

  it("says what is wrong with a template", () => {
    assert.throws(() => logTag(aSubject({ tag: "{{.Nope}}" })), {
      kind: "invalid",
      message: 'template: log-tag:1:2: executing "log-tag" at <.Nope>: can\'t evaluate field Nope in type *logger.Info',
    });
    assert.throws(() => logTag(aSubject({ tag: "{{" })), { kind: "invalid", message: /^template: log-tag:1: / });
  });
});
