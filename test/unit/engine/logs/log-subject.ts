import type { LogSubject } from "../../../../src/engine/logs/log-subject.ts";

/** A container as drivers describe it. */
export function aSubject(options: Readonly<Record<string, string>> = {}): LogSubject {
  return {
    id: `0123456789ab${"c".repeat(52)}`,
    name: "web",
    imageId: `sha256:cafe${"0".repeat(60)}`,
    imageName: "busybox:latest",
    entrypoint: "sh",
    args: ["-c", "true"],
    createdAtMs: Date.UTC(2026, 10, 21, 12),
    env: ["REGION=eu", "SECRET=1"],
    labels: { team: "red", "org.x/level": "7" },
    options,
    logPath: "/log",
    hostname: "the-host",
    pid: 42,
  };
}
