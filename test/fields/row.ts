/** A request for a container, beside the field itself. */
export interface Asked {
  /**
   * What the field is set to. In texts, `{n}` is a number that no other request has, `{folder}` a folder of the host, `{disk}` a block device,
   * `{donor}` a container that runs, with a volume at /shared.
   */
  readonly value: unknown;
  /** What else the request holds, by path. */
  readonly with?: Readonly<Record<string, unknown>>;
}

/** That a value matters: a container with it differs in this from one without. */
export interface Effect extends Asked {
  /** Where it is seen: `config.json process.cwd` (the OCI runtime's configuration), `inspect State.Running`, `output`, … */
  readonly in: string;
  /** What is seen there; a pattern is for its JSON. */
  readonly is: unknown;
  /** What the container that is compared has in the field; missing: nothing. */
  readonly insteadOf?: unknown;
  /** What inspect shows of the field where that is not the value itself; a pattern is for its JSON. */
  readonly shown?: unknown;
  /** What the engine answers, or warns of, where the kernel lacks it. */
  readonly unlessSaid?: RegExp;
  /** What is done once it runs. */
  readonly andThen?: "stop" | "end the input";
}

/** That a value is not passed over: the request is refused. */
export interface Refusal extends Asked {
  readonly status: number;
  readonly says: RegExp;
  /** The container can be made, but not started. */
  readonly isAtStart?: true;
}

interface RowBase {
  /** As the specification has it. */
  readonly path: string;
  /** For the page. */
  readonly note: string;
}

export interface HonouredRow extends RowBase {
  readonly verdict: "honoured";
  readonly effects?: readonly Effect[];
  readonly refusals?: readonly Refusal[];
}

/** The container keeps it and inspect shows it: it is the client's, or another system's. */
export interface KeptRow extends RowBase {
  readonly verdict: "kept";
  readonly tries: readonly Asked[];
  readonly refusals?: readonly Refusal[];
}

export interface RefusedRow extends RowBase {
  readonly verdict: "refused";
  readonly refusals: readonly Refusal[];
}

/** Dropped, and the answer says so. */
export interface WarnedRow extends RowBase {
  readonly verdict: "warned";
  readonly tries: readonly (Asked & { readonly says: RegExp })[];
}

/** What the engine tells with inspect. What a client sends there, such as one that copies what inspect said, is the engine's to say. */
export interface ToldRow extends RowBase {
  readonly verdict: "told";
  readonly tries: readonly Asked[];
}

export type FieldRow = HonouredRow | KeptRow | RefusedRow | WarnedRow | ToldRow;

/** A value whose JSON holds this text. */
export function has(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}

/** A value whose JSON does not. */
export function lacks(text: string): RegExp {
  return new RegExp(`^(?!.*${text})`);
}
