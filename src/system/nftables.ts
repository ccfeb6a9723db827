import { closeSync, fstatSync, openSync } from "node:fs";
import { OperationError } from "../lib/errors.ts";
import type { Nftables } from "../ports/kernel-network.ts";
import { declareChecked, koffi } from "./libc.ts";
import { inNetworkNamespace } from "./namespace.ts";
import { failpoint } from "../ports/failpoint.ts";

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const FDS_PROBED = 4;
const setFlags = declareChecked<[fd: number, command: number, flags: number]>(
  "fcntl",
  "int fcntl(int fd, int command, int flags)",
);

type Context = unknown;
type Run = ((context: Context, commands: string) => number) & {
  async(context: Context, commands: string, done: (error: Error | null, result: number) => void): void;
};

/** libnftables, loaded when it is first needed: an engine that publishes nothing works without. */
function load() {
  const library = koffi.load("libnftables.so.1");
  return {
    create: library.func("void *nft_ctx_new(uint32_t flags)") as unknown as (flags: number) => Context,
    free: library.func("void nft_ctx_free(void *context)") as unknown as (context: Context) => void,
    run: library.func("int nft_run_cmd_from_buffer(void *context, const char *commands)") as unknown as Run,
    bufferOutput: library.func("int nft_ctx_buffer_output(void *context)") as unknown as (context: Context) => number,
    bufferErrors: library.func("int nft_ctx_buffer_error(void *context)") as unknown as (context: Context) => number,
    errors: library.func("const char *nft_ctx_get_error_buffer(void *context)") as unknown as (context: Context) => string,
  };
}

let loaded: ReturnType<typeof load> | undefined;

/**
 * libnftables opens its socket without close-on-exec: a child program would inherit it, and with it keep the namespace alive. The
 * socket takes one of the lowest free file numbers; a file that another thread opens at the same time has the flag anyway.
 */
function closedOnExec<T>(open: () => T): T {
  const probe = openSync("/dev/null", "r");
  closeSync(probe);
  const opened = open();
  for (let fd = probe; fd < probe + FDS_PROBED; fd++) {
    try {
      if (fstatSync(fd).isSocket()) setFlags(fd, F_SETFD, FD_CLOEXEC);
    } catch {
      // No such file.
    }
  }
  return opened;
}

/** One libnftables context; its netlink socket stays in the namespace where it was opened. Never two calls at once. */
export class NftablesContext implements Nftables {
  readonly #library = (loaded ??= load());
  readonly #context: Context;
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(namespacePath: string | undefined) {
    const create = () => closedOnExec(() => this.#library.create(0));
    this.#context = namespacePath === undefined ? create() : inNetworkNamespace(namespacePath, create);
    this.#library.bufferOutput(this.#context);
    this.#library.bufferErrors(this.#context);
  }

  run(commands: string): Promise<void> {
    const done = this.#tail.then(() => failpoint("networks/nftables.apply", () => this.#run(commands)));
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Waits for what is under way before it frees. Twice is safe. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#tail.then(() => this.#library.free(this.#context));
  }

  #run(commands: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#library.run.async(this.#context, commands, (error, result) => {
        if (error !== null) reject(error);
        else if (result !== 0) reject(new OperationError("internal", `nft: ${this.#library.errors(this.#context).trim()}`));
        else resolve();
      });
    });
  }
}
