/** @see Docker's JSONMessage: what `docker load` and `docker pull` print. */
export interface ProgressMessage {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly aux?: unknown;
}

/** Runs an action that reports as it goes; its messages come out as they are made. The action runs to its end even when nobody reads on. */
export async function* reporting(
  action: (report: (message: ProgressMessage) => void) => Promise<void>,
): AsyncGenerator<ProgressMessage, void, void> {
  const messages: ProgressMessage[] = [];
  let wake = (): void => undefined;
  let isOver = false;
  const done = action(message => {
    messages.push(message);
    wake();
  }).finally(() => {
    isOver = true;
    wake();
  });
  done.catch(() => undefined); // Thrown below, when the messages before it are out.
  try {
    for (;;) {
      for (let message = messages.shift(); message !== undefined; message = messages.shift()) yield message;
      if (isOver) break;
      await new Promise<void>(resolve => {
        wake = resolve;
        if (isOver || messages.length > 0) resolve();
      });
    }
  } finally {
    await done.catch(() => undefined);
  }
  await done;
}
