import { Socket, type SocketConstructorOpts } from "node:net";

interface PipeHandle {
  open(fd: number): number;
}
interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle;
  readonly constants: { readonly SOCKET: number };
}

/**
 * libuv's stream over any descriptor it can poll. `new net.Socket({ fd })` refuses the two that are needed here, a SEQPACKET socket and
 * the master side of a terminal; the handle itself does not look at the kind. This is the only use of Node's internal binding.
 */
function loadPipeBinding(): PipeBinding {
  const { binding } = process as unknown as { readonly binding: (name: string) => PipeBinding };
  return binding("pipe_wrap");
}

const { Pipe, constants } = loadPipeBinding();

export interface FdStreamOptions {
  readonly isReadable: boolean;
  readonly isWritable: boolean;
}

/** Takes over `fd`, made non-blocking; it is closed with the stream. Half-close is left to the user of it. */
export function streamOverFd(fd: number, { isReadable, isWritable }: FdStreamOptions): Socket {
  const handle = new Pipe(constants.SOCKET);
  const failure = handle.open(fd);
  if (failure !== 0) throw new Error(`cannot read descriptor ${fd} as a stream: ${failure}`);
  const options: SocketConstructorOpts & { readonly handle: PipeHandle; readonly manualStart: boolean } = {
    handle,
    readable: isReadable,
    writable: isWritable,
    allowHalfOpen: true,
    manualStart: true,
  };
  return new Socket(options);
}
