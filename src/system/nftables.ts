import { OperationError } from "../lib/errors.ts";
import type { Nftables } from "../ports/kernel-network.ts";
import { koffi } from "./libc.ts";
import { inNetworkNamespace } from "./namespace.ts";

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

/** One libnftables context; its netlink socket stays in the namespace where it was opened. Never two calls at once. */
export class NftablesContext implements Nftables {
  readonly #library = (loaded ??= load());
  readonly #context: Context;
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(namespacePath: string | undefined) {
    const create = () => this.#library.create(0);
    this.#context = namespacePath === undefined ? create() : inNetworkNamespace(namespacePath, create);
    this.#library.bufferOutput(this.#context);
    this.#library.bufferErrors(this.#context);
  }

  run(commands: string): Promise<void> {
    const done = this.#tail.then(() => this.#run(commands));
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
