import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authHeader, HUB, registryOf, writeLogin } from "../../../src/cli/commands/credentials.ts";

/** What a registry is shown of a user's logins. */
describe("logins", () => {
  const before = process.env["DOCKER_CONFIG"];
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "shoal-logins-"));
    process.env["DOCKER_CONFIG"] = directory;
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
    if (before === undefined) delete process.env["DOCKER_CONFIG"];
    else process.env["DOCKER_CONFIG"] = before;
  });

  const set = (config: object): void => writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  const shownFor = async (image: string): Promise<unknown> => {
    const header = (await authHeader(image))["X-Registry-Auth"];
    return header === undefined ? undefined : JSON.parse(Buffer.from(header, "base64url").toString());
  };
  const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });

  it("go to the registry that they are for", async () => {
    await writeLogin("registry.example:5000", { username: "me", password: "a:b" });
    assert.deepEqual(await shownFor("registry.example:5000/app:1"), {
      ...{ username: "me", password: "a:b", serveraddress: "registry.example:5000" },
    });
  });

  it("go to no other, whatever it is called", async () => {
    set({ auths: { [HUB]: auth("hub:secret"), "registry.example": auth("me:secret") } });
    for (const image of [
      "registry.example:5000/app",
      "registry.example.evil.test/app",
      "docker.io.evil.test/app",
      "index.docker.io.evil.test/v1/app",
      "localhost/app",
      "evil.test/registry.example/app",
      "evil.test:443/index.docker.io/app",
    ])
      assert.equal(await shownFor(image), undefined, image);
    for (const image of ["app", "me/app", "docker.io/me/app", "index.docker.io/app", "registry/app"]) {
      assert.equal(registryOf(image), HUB, image);
      assert.deepEqual(await shownFor(image), { username: "hub", password: "secret", serveraddress: HUB });
    }
  });

  it("of a store that cannot be asked are shown to nobody, nor is another's in their place (CVE-2021-41092)", async () => {
    set({ credsStore: "missing", auths: { [HUB]: {}, "registry.example": auth("me:secret") } });
    assert.equal(await shownFor("app"), undefined);
    assert.equal(await shownFor("other.example/app"), undefined);
    await assert.rejects(writeLogin("other.example", { username: "u", password: "p" }), /"missing" .* cannot be used/);
    assert.match(readFileSync(join(directory, "config.json"), "utf8"), /"credsStore":"missing"/);
  });

  it("are not taken for none where they cannot be read", async () => {
    mkdirSync(join(directory, "config.json"));
    await assert.rejects(authHeader("app"), /cannot read .*config\.json/);
    await assert.rejects(writeLogin(HUB, { username: "u", password: "p" }), /cannot read .*config\.json/);
  });
});
