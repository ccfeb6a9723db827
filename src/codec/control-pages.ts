import type { ControlResponse } from "../model/control.ts";
import { UnknownWireValue } from "./combinators.ts";

/** About 5 ms of encoding. */
const PAGE_ITEMS = 200;
/** A config may hold 1 MB. */
const PAGE_CONFIGS = 8;

/** A long list as several answers of the same kind; everything else as the one it is. */
export function* controlPages(response: ControlResponse): Generator<ControlResponse> {
  switch (response.kind) {
    case "services":
      return yield* pages(response.services, services => ({ kind: "services", services }));
    case "tasks":
      return yield* pages(response.tasks, tasks => ({ kind: "tasks", tasks }));
    case "nodes":
      return yield* pages(response.nodes, nodes => ({ kind: "nodes", nodes }));
    case "networks":
      return yield* pages(response.networks, networks => ({ kind: "networks", networks }));
    case "secrets":
      return yield* pages(response.secrets, secrets => ({ kind: "secrets", secrets }));
    case "configs":
      return yield* pages(response.configs, configs => ({ kind: "configs", configs }), PAGE_CONFIGS);
    default:
      yield response;
  }
}

function* pages<Item>(
  items: readonly Item[],
  answer: (page: readonly Item[]) => ControlResponse,
  pageItems = PAGE_ITEMS,
): Generator<ControlResponse> {
  if (items.length === 0) yield answer([]);
  for (let start = 0; start < items.length; start += pageItems) yield answer(items.slice(start, start + pageItems));
}

/** The answer whose pages these are. Throws UnknownWireValue when there are none, or of several kinds. */
export function joinPages(received: readonly ControlResponse[]): ControlResponse {
  const [first] = received;
  if (first === undefined) throw new UnknownWireValue("an answer without a page");
  if (received.length === 1) return first;
  switch (first.kind) {
    case "services":
      return { kind: "services", services: received.flatMap(page => ofKind(page, "services").services) };
    case "tasks":
      return { kind: "tasks", tasks: received.flatMap(page => ofKind(page, "tasks").tasks) };
    case "nodes":
      return { kind: "nodes", nodes: received.flatMap(page => ofKind(page, "nodes").nodes) };
    case "networks":
      return { kind: "networks", networks: received.flatMap(page => ofKind(page, "networks").networks) };
    case "secrets":
      return { kind: "secrets", secrets: received.flatMap(page => ofKind(page, "secrets").secrets) };
    case "configs":
      return { kind: "configs", configs: received.flatMap(page => ofKind(page, "configs").configs) };
    default:
      throw new UnknownWireValue(`${received.length} pages of an answer that has one: ${first.kind}`);
  }
}

type OfKind<Kind extends ControlResponse["kind"]> = Extract<ControlResponse, { readonly kind: Kind }>;

function ofKind<Kind extends ControlResponse["kind"]>(page: ControlResponse, kind: Kind): OfKind<Kind> {
  if (page.kind !== kind) throw new UnknownWireValue(`a page of ${page.kind} among ${kind}`);
  return page as OfKind<Kind>;
}
