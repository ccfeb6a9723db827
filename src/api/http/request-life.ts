import type { Socket } from "node:net";
import { OperationError } from "../../lib/errors.ts";

/** Until when somebody waits for an answer, and until when its connection is there. */
export class RequestLife {
  readonly #socket: Socket;
  readonly #request = new AbortController();
  readonly #connection = new AbortController();
  readonly #onEnd = () => this.#request.abort(gone());
  readonly #onClose = () => this.end(gone());

  /** @param options.isRequestsOnly - The client's half is requests and nothing else: where it ends, so does the wait for an answer. */
  constructor(socket: Socket, { isRequestsOnly }: { readonly isRequestsOnly: boolean }) {
    this.#socket = socket;
    socket.once("close", this.#onClose);
    // All that is seen of a client that ends is its half's end. As in Docker what is done nevertheless is answered.
    if (isRequestsOnly) socket.once("end", this.#onEnd);
  }

  /** Aborted when nobody waits for the answer any more. */
  get requestSignal(): AbortSignal {
    return this.#request.signal;
  }

  /** Aborted when nothing can be sent any more: a raw connection has a half that ends before. */
  get connectionSignal(): AbortSignal {
    return this.#connection.signal;
  }

  end(reason: OperationError): void {
    this.#request.abort(reason);
    this.#connection.abort(reason);
  }

  /** It is answered: the next request on its connection is another's business. */
  release(): void {
    this.#socket.off("close", this.#onClose);
    this.#socket.off("end", this.#onEnd);
  }
}

function gone(): OperationError {
  return new OperationError("cancelled", "the client has gone");
}
