import { asError } from '../core/errors/error-record.js';
import { isPermanent } from '../core/errors/streams.error.js';
import type { Codec } from '../core/codecs/codec.js';
import { endedStep, type Arriving, type EndedStep } from './ended-step.js';
import { type FinishedStep } from '../ports/workflow-store.js';
import type { LeaseState, Lease } from '../core/lease.js';
import type { IdempotencyWindow, OutgoingEntry } from '../core/message.js';
import type { Ack, Settlement } from '../core/settlement.js';
import type { MessageSource, Settling } from '../ports/source.js';
import { fail, mayBeStep, type Burial } from './failing.js';
import { join, type Following, type JoiningOptions } from './joining.js';
import type { WorkflowReport } from './workflow-report.js';
import type { StepRecorder } from './step-recorder.js';

type Settle = MessageSource['settle'];

export interface ConcludingOptions extends JoiningOptions {
  readonly source: Pick<MessageSource, 'capabilities' | 'publish'>;
  readonly codec: Codec;
  readonly recorder: StepRecorder;
  /** Told of steps that are settled. */
  readonly report?: WorkflowReport;
  /** The store is not that of the source's driver. */
  readonly storedApart: boolean;
}

/** What a consumer knows of its deliveries. */
export interface Holding {
  /** Asks whether these runs still own their entries. Extends the leases of those that do. */
  holds(leases: readonly Lease[]): Promise<ReadonlyMap<Lease, LeaseState>>;
  /**
   * True: the handler of this message takes no part in workflows, so its dead letter does not end a
   * step.
   */
  looksOn(settling: Settling): boolean;
}

/** A settlement, with the record of its step. */
interface Concluded {
  readonly settling: Settling;
  readonly step?: FinishedStep | undefined;
}

/** How long messages for failures are recognised as published before, in milliseconds. */
const HOOKS_ARE_KNOWN_FOR = 3_600_000;

/**
 * Settles messages that belong to workflows. The last arrival at a join publishes the join; a dead
 * letter publishes what was declared for its failure. All of it may be repeated after a break at
 * any point.
 *
 * Steps are recorded just before their settlement. It waits for that only where the store is not the
 * source's own: a process that dies in between would leave a step that is settled and never recorded.
 * Where recording fails, the work goes on. The workflow then looks as if the step were still to come,
 * until recording succeeds.
 */
export class StepSettling {
  /** Leases whose settlement has to be tried again and whose step is recorded already. */
  private readonly recorded = new WeakSet<Lease>();

  constructor(
    private readonly options: ConcludingOptions,
    private readonly holding: Holding,
    private readonly settle: Settle,
  ) {}

  readonly all: Settle = (batch) => {
    let concerned = false;
    for (const settling of batch) {
      if (this.needsTime(settling)) return this.conclude(batch);
      if (stepOf(settling)) concerned = true;
    }
    return concerned ? this.carryOut(batch, batch.map(stepOf)) : this.settle(batch);
  };

  private async conclude(batch: readonly Settling[]): ReturnType<Settle> {
    const arriving = batch.filter((one) => stepOf(one)?.arriving).map(({ lease }) => lease);
    const holds = arriving.length > 0 ? this.holding.holds(arriving) : undefined;
    const ready = await Promise.all(batch.map((one) => this.prepare(one, holds)));
    const going = ready.filter(isConcluded);
    const outcomes = await this.carryOut(
      going.map(({ settling }) => settling),
      going.map(({ step }) => step),
    );
    let next = 0;
    return ready.map((one) => (isConcluded(one) ? outcomes[next++]! : one));
  }

  /** @param steps the step of each settlement; undefined for a settlement without a step */
  private async carryOut(
    batch: readonly Settling[],
    steps: readonly (FinishedStep | undefined)[],
  ): ReturnType<Settle> {
    const { recorded } = this;
    const fresh = steps.filter((step, at) => step && !recorded.has(batch[at]!.lease));
    const recording = this.options.recorder.record(fresh as FinishedStep[]);
    // A source's own store gets the records before the settlement, over the same connection.
    if (recording && this.options.storedApart) await recording;
    // The step counts as recorded, however the settlement ends: another try does not record it
    // again.
    const tryLater = (at: number): void => void (steps[at] && recorded.add(batch[at]!.lease));
    try {
      const outcomes = await this.settle(batch);
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome === 'settled' && steps[at]) this.options.report?.settled(steps[at], batch[at]!);
        if (!(outcome instanceof Error)) continue;
        if (isPermanent(outcome)) this.failed(steps[at]);
        else tryLater(at);
      }
      return outcomes;
    } catch (error) {
      for (let at = 0; at < batch.length; at++) tryLater(at);
      throw error;
    }
  }

  /** The step was recorded as done, and what follows it can never be published. */
  private failed(step: FinishedStep | undefined): void {
    if (step) void this.options.recorder.record([{ ...step, failed: true }]);
  }

  /** @param holds who owns the entries that arrive at a join */
  private async prepare(
    settling: Settling,
    holds?: Promise<ReadonlyMap<Lease, LeaseState>>,
  ): Promise<Concluded | Error | 'lost' | 'gone'> {
    try {
      if ('record' in settling) return await this.bury(settling);
      const { settlement, lease } = settling;
      const step = stepOf(settling);
      if (step && this.waitsLong(step)) await this.keep(step);
      const arriving = step?.arriving;
      if (!arriving) return concluded(settling);
      // Where another run owns the entry, the result of that run counts: this run may have been
      // stalled meanwhile.
      const hold = (await holds!).get(lease)!;
      // An earlier try has settled the entry; only what stands outside that settlement is left to
      // do.
      if (hold === 'gone' && this.recorded.has(lease)) return concluded(settling);
      if (hold !== 'held') return hold;
      const { place, trace, result } = arriving;
      const duplicate = (settlement as Ack).unrun === 'duplicate';
      const follows = await join(this.options, { lease, place, trace, duplicate }, result);
      const brought = withSteps(settlement as Ack, lease, arriving, follows);
      return concluded({ lease, settlement: brought });
    } catch (error) {
      return asError(error);
    }
  }

  /**
   * Whether work precedes the settlement: for the last step of a branch, for a step that something
   * follows much later, and for a dead letter.
   */
  private needsTime(settling: Settling): boolean {
    if (settling.settlement.kind === 'dead-letter') return true;
    const step = stepOf(settling);
    return step !== undefined && (step.arriving !== undefined || this.waitsLong(step));
  }

  /** A short wait is covered by the time for which everything is kept. */
  private waitsLong({ waits = 0 }: EndedStep): boolean {
    return waits > this.options.ttl / 1000;
  }

  /** Keeps the state of the workflow until the delayed step has run, and `ttl` after that. */
  private async keep({ workflow, waits = 0 }: EndedStep): Promise<void> {
    const { store, ttl } = this.options;
    await store?.keep(workflow, waits + ttl);
  }

  private async bury(settling: Burial): Promise<Concluded | 'lost' | 'gone'> {
    const { options, holding } = this;
    if (holding.looksOn(settling)) return { settling };
    const { lease } = settling;
    const holdOf = async (): Promise<LeaseState> => (await holding.holds([lease])).get(lease)!;
    const failed = await fail(options, options.codec, settling, holdOf);
    if (!failed) return { settling };
    if (typeof failed === 'string') return failed;
    await this.publishOnce(settling, failed.publish);
    const { place, report, forgiven } = failed;
    const ended = { failed: !forgiven };
    return { settling, step: endedStep(place, report, lease.redrive, ended) };
  }

  /** Publishes before the dead letter is stored, and only once, however often that is tried. */
  private async publishOnce(burial: Burial, entries: readonly OutgoingEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const { source } = this.options;
    const { record: letter, lease } = burial;
    const again = lease.redriven ? `/redriven/${lease.redrive}` : '';
    const name = `${letter.stream}/${letter.id}/${letter.group}${again}/failed`;
    const { idempotentPublish } = source.capabilities;
    const window: IdempotencyWindow =
      idempotentPublish === 'native' ? 'native' : HOOKS_ARE_KNOWN_FOR;
    const once = idempotentPublish
      ? entries.map((entry, index) => ({
          ...entry,
          idempotency: { key: `${name}/${index}`, window },
        }))
      : entries;
    const refused = (await source.publish(once)).find((result) => result instanceof Error);
    if (refused) throw refused;
  }
}

/** Whether a settlement waits for a store of workflows that is not the source's own. */
export function needsStore(settlement: Settlement, lease: Lease): boolean {
  if (settlement.kind === 'dead-letter') return mayBeStep(lease);
  return settlement.kind === 'ack' && settlement.step !== undefined;
}

const isConcluded = (one: Concluded | Error | 'lost' | 'gone'): one is Concluded =>
  typeof one !== 'string' && !(one instanceof Error);

const concluded = (settling: Settling): Concluded => ({ settling, step: stepOf(settling) });

const stepOf = ({ settlement }: Settling): EndedStep | undefined =>
  settlement.kind === 'ack' ? (settlement.step as EndedStep | undefined) : undefined;

/** Adds the steps that follow from the arrival to the acknowledgement and to its report. */
function withSteps(
  settlement: Ack,
  { redrive }: Lease,
  { place, report }: Arriving,
  follows: readonly Following[],
): Ack {
  if (follows.length === 0) return settlement;
  const next = follows.map(({ place: there, event }) => [there, event] as const);
  return {
    ...settlement,
    publish: follows.map(({ entry }) => entry),
    step: endedStep(place, { ...report, next }, redrive),
  };
}
