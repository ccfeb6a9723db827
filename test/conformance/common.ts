import { allDone } from "../../src/lib/all-done.ts";
import { type ContainerBody, Stage, type StageOptions } from "./stage.ts";

/** What many cases look at and none of them changes: of each kind an engine has one, made when it is first asked for. */
export class Common implements AsyncDisposable {
  readonly #stage: Stage;
  readonly #made = new Map<string, Promise<string>>();

  /** @param stage - Takes away what is made here. */
  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** A container that runs, in no network. */
  running(): Promise<string> {
    return this.of("running", stage => stage.running());
  }

  /** One on the default bridge. */
  onBridge(): Promise<string> {
    return this.of("on the bridge", stage => stage.running({ HostConfig: { NetworkMode: "bridge" } }));
  }

  paused(): Promise<string> {
    return this.of("paused", async stage => {
      const id = await stage.running();
      await stage.need("ContainerPause", { id });
      return id;
    });
  }

  /** One that has printed something and ended by itself. */
  ended(config: ContainerBody = {}): Promise<string> {
    return this.of(`ended ${JSON.stringify(config)}`, stage => stage.ended(config));
  }

  /** Makes them all, for who looks at all there is. */
  async all(): Promise<void> {
    await allDone([this.running(), this.onBridge(), this.paused(), this.ended()]);
  }

  /** @param make - Its outcome, or its failure, is everybody's who asks for this kind. */
  of(kind: string, make: (stage: Stage) => Promise<string>): Promise<string> {
    const made = this.#made.get(kind) ?? make(this.#stage);
    this.#made.set(kind, made);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#made.values());
    await this.#stage[Symbol.asyncDispose]();
  }
}

/** Where a case plays that may also use what it has in common with others. */
export class CaseStage extends Stage {
  readonly common: Common;

  constructor({ common, ...options }: StageOptions & { readonly common: Common }) {
    super(options);
    this.common = common;
  }
}
