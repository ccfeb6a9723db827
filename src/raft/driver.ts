import { assert } from "../lib/assert.ts";
import { errorMessage, OperationError } from "../lib/errors.ts";
import type { Consensus, ConsensusStatus, RaftMember, SpeaksFor } from "../ports/consensus.ts";
import { AppliedState } from "./applied-state.ts";
import { RaftCore } from "./core.ts";
import { DiskWatch } from "./disk-watch.ts";
import { DEFAULT_OPTIONS, type RaftDriverOptions, type SnapshotSettings } from "./driver-options.ts";
import type { RaftDriverSetup } from "./driver-setup.ts";
import { decodeEnvelope, encodeEnvelope } from "./encoding.ts";
import { MembershipWork } from "./membership-work.ts";
import { Proposals } from "./proposals.ts";
import { ReadBarriers } from "./read-barriers.ts";
import { SnapshotExchange } from "./snapshot-exchange.ts";
import { StatusWatch } from "./status-watch.ts";
import { RaftStorage } from "./storage.ts";
import type { Entry, Message, Ready } from "./types.ts";
import { Wakeup } from "./wakeup.ts";

/** Proposals that go into one write. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const APPLY_COUNT_MAX = 1024;
/** Followers hear so much later of a commit, unless entries come that take the word along: a busy leader sends half the messages. */
const COMMIT_NEWS_MS = 1;

/** Carries out what the core decides: writes, sends, applies, and tells callers how their requests went. */
export class RaftDriver implements Consensus {
  readonly #setup: RaftDriverSetup;
  readonly #options: RaftDriverOptions;
  readonly #core: RaftCore;
  readonly #storage: RaftStorage;
  readonly #proposals = new Proposals();
  readonly #reads: ReadBarriers;
  readonly #snapshots: SnapshotExchange;
  readonly #membership: MembershipWork;
  readonly #applied: AppliedState;
  readonly #disk: DiskWatch;
  readonly #stopping = new AbortController();
  readonly #due = new Wakeup();
  readonly #progressed = new Wakeup();
  readonly #status = new StatusWatch();
  /** Where senders said they can be answered, for those that are no members yet or any more. */
  readonly #addresses = new Map<number, string>();
  #isDue = true;
  #isTellingCommits = false;
  #ledTerm = 0;
  #oldestKeyId: number | undefined;
  #running: Promise<unknown> = Promise.resolve();
  readonly #background = new Set<Promise<void>>();

  private constructor(setup: RaftDriverSetup, options: RaftDriverOptions, storage: RaftStorage) {
    this.#setup = setup;
    this.#options = options;
    this.#storage = storage;
    const { raftId, random, transport, clock, log } = setup;
    const { initialState } = storage;
    const { electionTicks, heartbeatTicks } = options;
    const times = { electionTicks, heartbeatTicks };
    const core = new RaftCore({ raftId, ...initialState, times, limits: options, randomUint32: () => random.uint32() });
    this.#core = core;
    const onInput = () => this.#onInput();
    const { signal } = this.#stopping;
    this.#reads = new ReadBarriers({
      ask: requestId => {
        core.readIndex(requestId);
        this.#onInput();
      },
      firstRequestId: random.uint32() * 2 ** 16,
      timeoutTicks: options.readTimeoutTicks,
    });
    const onStepBack = () => {
      this.#proposals.feed(data => core.propose(data), Infinity); // Refuses all that wait: nothing is written now.
      this.#onInput();
    };
    this.#disk = new DiskWatch({ core, clock, log, signal, onStepBack });
    const { stateMachine } = setup;
    const onResult = ({ index, term: appliedTerm }: Entry, result: unknown) =>
      this.#proposals.applied(index, appliedTerm, result);
    const settings = settingsOf(setup, options);
    this.#applied = new AppliedState({ core, storage, stateMachine, clock, log, options, settings, signal, onResult });
    transport.onLost?.(address => this.#onLost(address));
    const ownAddress = () => this.#ownAddress();
    const onSender = (sender: RaftMember) => this.#addresses.set(sender.raftId, sender.address);
    this.#snapshots = new SnapshotExchange({ core, storage, transport, clock, log, signal, ownAddress, onInput, onSender });
    this.#membership = new MembershipWork({ core, proposals: this.#proposals, progressed: this.#progressed, onInput });
  }

  /** Reads what is on disk, restores the newest snapshot into the state machine, and starts to take part. */
  static async create(setup: RaftDriverSetup): Promise<RaftDriver> {
    const { raftId, members = [], join, disk, directory, cipher, stateMachine } = setup;
    assert((join === true) === (members.length === 0), "a manager either joins or has first members");
    const options = { ...DEFAULT_OPTIONS, ...setup.options };
    const initial = { index: 0, term: 0, members: members.map(member => ({ ...member, isLearner: false })) };
    const [onlyMember] = setup.forceNewCluster === true ? initial.members : [];
    assert(
      onlyMember === undefined || (members.length === 1 && onlyMember.raftId === raftId),
      "only this manager stays a member",
    );
    const { segmentBytesMax } = options;
    const keepSnapshots = () => settingsOf(setup, options)().keepSnapshots;
    const opening = { disk, directory, raftId, initial, segmentBytesMax, keepSnapshots, onlyMember, ...(cipher && { cipher }) };
    const storage = await RaftStorage.open(opening);
    if (storage.snapshot !== undefined) await stateMachine.restore(storage.readSnapshot(storage.snapshot));
    const driver = new RaftDriver(setup, options, storage);
    driver.#core.campaignIfAlone();
    driver.#running = Promise.all([driver.#run(), driver.#runTicks()]);
    return driver;
  }

  /** For invariant checks: the core's state, not to be changed. */
  get inspected(): RaftCore["inspected"] {
    return this.#core.inspected;
  }

  status(): ConsensusStatus {
    const { raftId, role, leaderId, term, commitIndex, members } = this.#core;
    return {
      raftId,
      role: role === "pre-candidate" ? "candidate" : role,
      leaderId: leaderId === 0 ? undefined : leaderId,
      term,
      commitIndex,
      appliedIndex: this.#applied.index,
      members,
    };
  }

  async *watchStatus({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<ConsensusStatus> {
    const until = AbortSignal.any([signal, this.#stopping.signal]);
    for await (const _ of this.#status.changes({ signal: until })) {
      if (this.#stopping.signal.aborted) return;
      yield this.status();
    }
  }

  async propose(data: Uint8Array, { signal }: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    this.#stopping.signal.throwIfAborted();
    const result = this.#proposals.add(data, { signal });
    this.#wake();
    return await result;
  }

  async readBarrier({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#stopping.signal.throwIfAborted();
    await this.#reads.wait({ signal });
  }

  async addMember(member: RaftMember, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#membership.add(member, this.#whileRunning(options));
  }

  async removeMember(raftId: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#membership.remove(raftId, this.#whileRunning(options));
  }

  async transferLeadership(options: { readonly to?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#membership.transfer({ to: options.to, ...this.#whileRunning(options) });
  }

  #whileRunning({ signal }: { readonly signal?: AbortSignal | undefined }): { readonly signal: AbortSignal } {
    const stopping = this.#stopping.signal;
    return { signal: signal === undefined ? stopping : AbortSignal.any([signal, stopping]) };
  }

  receive(bytes: Uint8Array, speaksFor: SpeaksFor = () => true): void {
    if (this.#stopping.signal.aborted) return;
    try {
      const { message, fromAddress } = decodeEnvelope(bytes);
      if (message.to !== this.#core.raftId || message.kind === "install-snapshot") {
        throw new OperationError("invalid", `${message.kind} for ${message.to} came to ${this.#core.raftId}`);
      }
      if (!speaksFor(message.from)) throw new OperationError("forbidden", `its sender is not manager ${message.from} of raft`);
      if (fromAddress !== "") this.#addresses.set(message.from, fromAddress);
      this.#core.step(message);
    } catch (error) {
      if (!(error instanceof OperationError)) this.#fail(error);
      else this.#setup.log.warn({ error: error.message }, "a raft message was dropped");
      return;
    }
    this.#onInput();
  }

  /** A peer that is away is sent one message a heartbeat instead of all that there is. */
  #onLost(address: string): void {
    for (const member of this.#core.members) if (member.address === address) this.#core.unreachable(member.raftId);
    this.#onInput();
  }

  disconnected(raftId: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#core.disconnected(raftId);
    this.#onInput();
  }

  async receiveSnapshot(chunks: AsyncIterable<Uint8Array>, speaksFor: SpeaksFor = () => true): Promise<void> {
    this.#stopping.signal.throwIfAborted();
    await this.#snapshots.receive(chunks, speaksFor);
  }

  /** The cipher has a new key: what is sealed with older ones is written anew beside everything else. */
  rekeyed(): void {
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#halt();
    await this.#running;
    await Promise.all(this.#background);
    await this.#storage[Symbol.asyncDispose]();
  }

  #halt(): void {
    if (this.#stopping.signal.aborted) return;
    const reason = new OperationError("unavailable", "this manager is stopping");
    this.#stopping.abort(reason);
    this.#proposals.stop(reason);
    this.#reads.stop(reason);
    this.#wake();
  }

  /** Nothing can be trusted after this: no message leaves any more, and the owner is told. */
  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#setup.log.error({ error: errorMessage(error) }, "raft cannot go on");
    this.#halt();
    this.#options.onFatal(error);
  }

  #wake(): void {
    this.#isDue = true;
    this.#due.notify();
  }

  /** After every input to the core: what needs no write goes at once, the rest in the loop's next turn. */
  #onInput(): void {
    if (this.#stopping.signal.aborted) return;
    this.#flush();
    this.#wake();
  }

  async #runTicks(): Promise<void> {
    const { clock, log } = this.#setup;
    const { tickMs, stallMs } = this.#options;
    const { signal } = this.#stopping;
    try {
      for (let lastMs = clock.monotonicMs(); ; ) {
        await clock.sleep(tickMs, { signal });
        const nowMs = clock.monotonicMs();
        if (nowMs - lastMs > stallMs) {
          log.warn({ stalledMs: Math.round(nowMs - lastMs) }, "this process stood still");
          this.#core.stalled();
          this.#disk.stalled(nowMs);
        }
        lastMs = nowMs;
        this.#disk.tick(nowMs);
        this.#core.tick(); // A late tick counts once.
        this.#reads.tick({ hasLeader: this.#core.leaderId !== 0 });
        this.#onInput();
        this.#progressed.notify();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        this.#isDue = false;
        const hadWork = await this.#turn();
        if (hadWork || this.#isDue) continue;
        await this.#due.wait();
        this.#applied.rested();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Feed, send, write, apply. While the write runs, messages come in and proposals gather for the next turn: that is the group commit. */
  async #turn(): Promise<boolean> {
    this.#proposals.feed(data => this.#core.propose(data), BATCH_BYTES_MAX);
    this.#flush();
    if (this.#storage.isRollDue) await this.#disk.write(() => this.#storage.roll());
    const ready = this.#core.takeReady({ committedMax: APPLY_COUNT_MAX });
    this.#keepUpWithKeys();
    if (ready === undefined) return false;
    const writing = this.#write(ready);
    writing.catch(() => undefined); // Awaited below; until then a failure waits too.
    await this.#applied.apply(ready.committed);
    this.#reads.appliedTo(this.#applied.index);
    await writing;
    if (ready.hardState !== undefined) this.#applied.rested();
    if (this.#stopping.signal.aborted) return false;
    this.#core.persisted(ready);
    for (const message of ready.messages) this.#send(message);
    this.#flush();
    this.#snapshotIfDue();
    this.#progressed.notify();
    return true;
  }

  #snapshotIfDue(): void {
    if (this.#applied.isSnapshotDue) this.#inBackground(this.#applied.takeSnapshot());
  }

  #keepUpWithKeys(): void {
    const { oldestKeyId, isRekeyDue } = this.#storage;
    if (isRekeyDue) this.#snapshotIfDue();
    if (oldestKeyId === this.#oldestKeyId) return;
    this.#oldestKeyId = oldestKeyId;
    this.#setup.onOldestKey?.(oldestKeyId);
  }

  async #write(ready: Ready): Promise<void> {
    if (ready.hardState === undefined) return;
    if (ready.snapshot === undefined) {
      await this.#disk.write(() => this.#storage.save(ready));
      return;
    }
    const { written, restored } = this.#snapshots.take(ready.snapshot);
    await this.#disk.write(() => this.#storage.installSnapshot(written, ready));
    await this.#applied.restore(written);
    this.#proposals.skippedTo(written.meta.index);
    this.#reads.appliedTo(written.meta.index);
    restored();
  }

  /** Carries out what waits for no write, and notices changes of role. */
  #flush({ tellsCommits = false }: { readonly tellsCommits?: boolean } = {}): void {
    const core = this.#core;
    for (const message of core.takeMessages({ tellsCommits })) this.#send(message);
    if (!this.#isTellingCommits && core.hasCommitNews) this.#inBackground(this.#tellCommits());
    for (const { requestId, index } of core.takeReadStates()) this.#reads.answered(requestId, index);
    this.#reads.appliedTo(this.#applied.index);
    for (const { to } of core.takeSnapshotSends()) this.#inBackground(this.#snapshots.send(this.#memberAt(to)));
    const ledTerm = core.role === "leader" ? core.term : 0;
    if (this.#ledTerm !== 0 && ledTerm !== this.#ledTerm) this.#proposals.leadershipLost(core.commitIndex);
    this.#ledTerm = ledTerm;
    this.#noticeStatus();
  }

  async #tellCommits(): Promise<void> {
    const { signal } = this.#stopping;
    this.#isTellingCommits = true;
    await this.#setup.clock.sleep(COMMIT_NEWS_MS, { signal }).catch(() => undefined); // Its end is looked at below.
    this.#isTellingCommits = false;
    if (!signal.aborted) this.#flush({ tellsCommits: true });
  }

  #noticeStatus(): void {
    const { role, leaderId, term } = this.#core;
    if (!this.#status.notice(this.#core)) return;
    this.#setup.log.debug({ role, leaderId, term }, "raft status changed");
    this.#progressed.notify();
  }

  #memberAt(raftId: number): RaftMember {
    const member = this.#core.members.find(each => each.raftId === raftId);
    return { raftId, address: member?.address ?? this.#addresses.get(raftId) ?? "" };
  }

  #ownAddress(): string {
    return this.#memberAt(this.#core.raftId).address;
  }

  #send(message: Message): void {
    const to = this.#memberAt(message.to);
    if (to.address === "") return; // Nobody said yet where it is.
    this.#setup.transport.send(to, encodeEnvelope({ message, fromAddress: this.#ownAddress() }));
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => this.#fail(error)).finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }
}

function settingsOf({ settings }: RaftDriverSetup, options: RaftDriverOptions): () => SnapshotSettings {
  return () => settings?.() ?? options;
}
