import type { ChannelOptions } from "@grpc/grpc-js";

/** The largest message of Raft, dispatcher, CA and join calls. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** The largest answer of a control call: a list of every task of a large cluster. */
export const CONTROL_BYTES_MAX = 256 * 1024 * 1024;
/** A call that has not been answered by then fails as unavailable. */
export const CALL_DEADLINE_MS = 15_000;
/** A host that has not answered by then is not there. The kernel asks at once and after 1 and 3 s, some kernels every second. */
export const CONNECT_MS = 4_000;

/** Books about each connection and call, for a debugging service that nobody offers here. */
const NO_BOOKS = { "grpc.enable_channelz": 0 };

export const serverOptions: ChannelOptions = {
  ...NO_BOOKS,
  // Only so that nothing is kept for long of a caller that is gone, or that never says a word: who is down is seen by its beats, and
  // the pings of 2,000 idle workers would be much of what a manager does.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 2_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": CONTROL_BYTES_MAX,
};

/** Of a request by somebody who has no certificate: a certificate request and a join token. */
const STRANGER_BYTES_MAX = 64 * 1024;

/** For those who can ask for a certificate alone. */
export const strangerOptions: ChannelOptions = {
  ...serverOptions,
  "grpc.max_receive_message_length": STRANGER_BYTES_MAX,
  "grpc.max_concurrent_streams": 4,
  "grpc-node.max_session_memory": 4, // MB
};

export const clientOptions: ChannelOptions = {
  ...NO_BOOKS,
  // A caller finds out within 4 s that the manager is gone, also when nothing is being sent.
  "grpc.keepalive_time_ms": 2_000,
  "grpc.keepalive_timeout_ms": 2_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // Each client has a connection of its own: credentials change, and one peer's failure is not another's.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_http_proxy": 0,
  // Any name will do, the certificate's role is what is checked; without one TLS would be given an address as a name.
  "grpc.ssl_target_name_override": "swarm-manager",
};
