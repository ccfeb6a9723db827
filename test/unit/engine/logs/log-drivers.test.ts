import assert from "node:assert/strict";
import { checkDefaultLogConfig, checkLogConfig } from "../../../../src/engine/logs/log-drivers.ts";

describe("checkLogConfig", () => {
  const accepted: readonly (readonly [string, Record<string, string>])[] = [
    [
      "json-file",
      { "max-size": "what Docker checks at the start", tag: "{{.Name}}", mode: "non-blocking", "max-buffer-size": "1m" },
    ],
    ["none", { anything: "goes" }],
    ["local", { compress: "false" }],
    ["journald", { env: "A", "cache-disabled": "true" }],
    ["syslog", { "syslog-address": "tcp+tls://host:6514", "syslog-facility": "local7", "syslog-format": "rfc5424micro" }],
    ["syslog", { "syslog-facility": "23" }],
    ["gelf", { "gelf-address": "udp://h:12201", "gelf-compression-type": "zlib", "gelf-compression-level": "-1" }],
    ["fluentd", { "fluentd-address": "unix:///run/fluent.sock", "fluentd-async-reconnect-interval": "1s" }],
  ];
  for (const [type, options] of accepted) {
    it(`takes ${type} with ${JSON.stringify(options)}`, () => checkLogConfig({ type, options }));
  }

  const refused: readonly (readonly [string, Record<string, string>, string])[] = [
    ["splunk", {}, 'error looking up logging plugin splunk: plugin "splunk" not found'],
    ["json-file", { nope: "1" }, "unknown log opt 'nope' for json-file log driver"],
    ["local", { labels: "a" }, "unknown log opt 'labels' for log driver local"],
    ["journald", { nope: "1" }, "unknown log opt 'nope' for journald log driver"],
    ["json-file", { mode: "later" }, "logger: logging mode not supported: later"],
    ["json-file", { "max-buffer-size": "1m" }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
    ["json-file", { mode: "non-blocking", "max-buffer-size": "x" }, "error parsing option max-buffer-size: invalid size: 'x'"],
    ["syslog", { "cache-disabled": "perhaps" }, "invalid value for option cache-disabled: perhaps"],
    ["syslog", { "syslog-address": "http://h" }, "unsupported scheme: 'http'"],
    ["syslog", { "syslog-address": "h:514" }, "unsupported scheme: 'h'"],
    ["syslog", { "syslog-facility": "24" }, "invalid syslog facility"],
    ["syslog", { "syslog-format": "rfc1" }, "Invalid syslog format"],
    ["gelf", {}, "gelf-address is a required parameter"],
    ["gelf", { "gelf-address": "http://h:1" }, "gelf: endpoint needs to be TCP or UDP"],
    ["gelf", { "gelf-address": "udp://h" }, "gelf: please provide gelf-address as proto://host:port"],
    ["gelf", { "gelf-address": "tcp://h:1", "gelf-compression-type": "none" }, "compression is only supported on UDP"],
    ["gelf", { "gelf-address": "udp://h:1", "gelf-tcp-max-reconnect": "1" }, '"gelf-tcp-max-reconnect" is only valid for TCP'],
    [
      "gelf",
      { "gelf-address": "udp://h:1", "gelf-compression-level": "10" },
      'unknown value "10" for log opt "gelf-compression-level" for gelf log driver',
    ],
    ["gelf", { "gelf-address": "udp://h:1", nope: "1" }, 'unknown log opt "nope" for gelf log driver'],
    ["fluentd", { "fluentd-address": "ftp://h" }, "invalid fluentd-address (ftp://h): unsupported scheme: 'ftp'"],
    ["fluentd", { "fluentd-address": "tcp://h/x" }, "invalid fluentd-address (tcp://h/x): should not contain a path element"],
    ["fluentd", { "fluentd-async": "perhaps" }, 'strconv.ParseBool: parsing "perhaps": invalid syntax'],
    ["fluentd", { "fluentd-retry-wait": "5" }, 'time: missing unit in duration "5"'],
    ["fluentd", { "fluentd-max-retries": "-1" }, 'strconv.ParseUint: parsing "-1": invalid syntax'],
    ["fluentd", { "fluentd-buffer-limit": "x" }, "invalid size: 'x'"],
  ];
  for (const [type, options, message] of refused) {
    it(`refuses ${type} with ${JSON.stringify(options)}`, () =>
      assert.throws(() => checkLogConfig({ type, options }), { kind: "invalid", message }));
  }

  it("refuses them of the daemon too", () => {
    assert.throws(() => checkDefaultLogConfig({ type: "json-file", options: { nope: "1" } }), {
      message: "failed to set log opts: unknown log opt 'nope' for json-file log driver",
    });
  });
});
