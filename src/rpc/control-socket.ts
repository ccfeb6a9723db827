import { Server, ServerCredentials } from "@grpc/grpc-js";
import { rm } from "node:fs/promises";
import { OperationError } from "../lib/errors.ts";
import type { ControlBackend, LocalBackend } from "./backends.ts";
import { serverOptions, CONTROL_BYTES_MAX } from "./limits.ts";
import { addControl } from "./services.ts";

/** Answers this host's daemon on a unix socket, without TLS: the folder's mode (0700) is the guard. */
export class ControlSocket implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** A socket file that an earlier process left is replaced. */
  static async listen({
    path,
    backend,
    local,
  }: {
    readonly path: string;
    readonly backend: ControlBackend;
    readonly local: LocalBackend;
  }): Promise<ControlSocket> {
    const server = new Server({ ...serverOptions, "grpc.max_receive_message_length": CONTROL_BYTES_MAX });
    addControl(server, { backend, local });
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), cause => {
        if (cause === null) resolve();
        else reject(new OperationError("unavailable", `cannot listen on ${path}`, { cause }));
      });
    });
    return new ControlSocket(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}
