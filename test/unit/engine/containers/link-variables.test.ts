import assert from "node:assert/strict";
import { linkVariables } from "../../../../src/engine/containers/link-variables.ts";

const of = (exposedPorts: readonly string[], env: readonly string[] = []) =>
  linkVariables("/web/my-db", { address: "172.17.0.2", config: { exposedPorts, env } });

describe("linkVariables", () => {
  it("names the other, and nothing more where it exposes nothing", () => {
    assert.deepEqual(of([]), ["MY_DB_NAME=/web/my-db"]);
  });

  it("tells each port, those of TCP first, and the first also alone", () => {
    assert.deepEqual(of(["80/udp", "6379/tcp"]), [
      "MY_DB_PORT=tcp://172.17.0.2:6379",
      "MY_DB_PORT_6379_TCP=tcp://172.17.0.2:6379",
      "MY_DB_PORT_6379_TCP_ADDR=172.17.0.2",
      "MY_DB_PORT_6379_TCP_PORT=6379",
      "MY_DB_PORT_6379_TCP_PROTO=tcp",
      "MY_DB_PORT_80_UDP=udp://172.17.0.2:80",
      "MY_DB_PORT_80_UDP_ADDR=172.17.0.2",
      "MY_DB_PORT_80_UDP_PORT=80",
      "MY_DB_PORT_80_UDP_PROTO=udp",
      "MY_DB_NAME=/web/my-db",
    ]);
  });

  it("tells of a row of ports where it starts and ends", () => {
    assert.deepEqual(
      of(["8002/tcp", "8000/tcp", "8001/tcp", "9000/tcp"]).filter(variable => /START|END/.test(variable)),
      [
        "MY_DB_PORT_8000_TCP_START=tcp://172.17.0.2:8000",
        "MY_DB_PORT_8000_TCP_PORT_START=8000",
        "MY_DB_PORT_8000_TCP_END=tcp://172.17.0.2:8002",
        "MY_DB_PORT_8000_TCP_PORT_END=8002",
      ],
    );
  });

  it("hands on its environment, but for what is every container's own", () => {
    assert.deepEqual(of([], ["PATH=/bin", "HOME=/root", "A=b=c", "unset"]), ["MY_DB_NAME=/web/my-db", "MY_DB_ENV_A=b=c"]);
  });
});
