import { OperationError } from "../../lib/errors.ts";
import type { TerminalSize } from "../backends.ts";
import type { ApiRequest } from "../http/exchange.ts";
import { textOf } from "../http/query.ts";

export function terminalSizeOf(request: ApiRequest): TerminalSize {
  return { heightCells: cellsOf(request, "h", "height"), widthCells: cellsOf(request, "w", "width") };
}

function cellsOf(request: ApiRequest, key: string, name: string): number {
  const value = textOf(request, key);
  const cells = Number(value);
  if (/^\d+$/.test(value) && cells <= 65_535) return cells;
  const reason = /^\d+$/.test(value) ? "value out of range" : "invalid syntax";
  throw new OperationError("invalid", `invalid resize ${name} ${JSON.stringify(value)}: ${reason}`);
}
