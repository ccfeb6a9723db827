import assert from "node:assert/strict";
import { asId } from "../../../src/model/ids.ts";
import { withTemplatesFilled } from "../../../src/worker/file-templates.ts";
import { anAssignedTask } from "./fixtures.ts";

const node = { hostname: "host1", architecture: "x86_64" };
const file = (name: string) => ({ name, uid: "0", gid: "0", mode: 0o444 });
const assigned = anAssignedTask({
  container: {
    env: ["PORT=80", "WHO={{.Task.Slot}}", "EMPTY="],
    secrets: [{ id: asId("s1"), name: "password", file: file("pass") }],
    configs: [
      { id: asId("c1"), name: "site", file: file("/etc/site.conf") },
      { id: asId("c2"), name: "plain", file: file("plain.txt") },
    ],
  },
});

/** What a config that holds `text` is for the task. */
function filled(text: string): string {
  const { configs } = withTemplatesFilled(
    {
      secrets: new Map([["s1", Buffer.from("hush")]]),
      configs: new Map([
        ["c1", Buffer.from(text)],
        ["c2", Buffer.from("{{.Service.Name}}")],
      ]),
      templates: new Set(["c1"]),
    },
    assigned,
    node,
  );
  assert.equal(Buffer.from(configs.get("c2") ?? []).toString(), "{{.Service.Name}}");
  return Buffer.from(configs.get("c1") ?? []).toString();
}

describe("secrets and configs that are templates", () => {
  const cases = [
    ["listen {{.Service.Name}} {{.Service.ID}} {{.Task.Slot}} {{.Task.Name}}", "listen web service1 3 web.3.task1"],
    ["{{.Node.ID}} {{.Node.Hostname}} {{.Node.Platform.Architecture}}/{{.Node.Platform.OS}}", "node1 host1 x86_64/linux"],
    ['{{env "PORT"}} {{env "WHO"}} [{{env "EMPTY"}}] [{{env "NONE"}}]', "80 3 [] []"],
    ['{{secret "pass"}} and {{config "plain.txt"}}', "hush and {{.Service.Name}}"],
    ['{{index .Service.Labels "tier"}} [{{index .Service.Labels "none"}}]', "front []"],
    ['{{join "-" .Service.Name .Task.Slot "x"}}', "web-3-x"],
    ['{{if eq .Service.Name "web"}}yes{{else}}no{{end}}', "yes"],
    ["a\\tb\\n", "a\\tb\\n"],
  ] as const;
  for (const [text, wanted] of cases) it(`are filled in: ${text}`, () => assert.equal(filled(text), wanted));

  const wrong = [
    ["{{.Nope}}", /^site is a template that cannot be filled in: .*map has no entry for key "Nope"/],
    ["{{.Service.Labels.none}}", /no entry for key "none"/],
    ["{{.Service.constructor}}", /no entry for key "constructor"/],
    ['{{secret "password"}}', /secret target password not found/],
    ['{{config "nope"}}', /config target nope not found/],
    ["{{nope}}", /function "nope" not defined/],
    ["{{.Service.Name", /unclosed action/],
  ] as const;
  for (const [text, message] of wrong)
    it(`are refused: ${text}`, () => assert.throws(() => filled(text), { kind: "invalid", message }));

  it("are left alone where none is one, and else copied, so that a copy can be wiped", () => {
    const files = { secrets: new Map([["s1", Buffer.from("{{.Service.Name}}")]]), configs: new Map() };
    assert.equal(withTemplatesFilled(files, assigned, node), files);
    const { secrets } = withTemplatesFilled({ ...files, templates: new Set(["s1"]) }, assigned, node);
    assert.equal(Buffer.from(secrets.get("s1") ?? []).toString(), "web");
    assert.equal(files.secrets.get("s1")?.toString(), "{{.Service.Name}}");
  });
});
