import { asError } from '../core/errors/error-record.js';
import type { Codec } from '../core/codecs/codec.js';
import { endedStep, type Arriving, type EndedStep, type FinishedStep } from '../core/ended-step.js';
import type { Hold, Lease } from '../core/lease.js';
import type { OutgoingEntry } from '../core/message.js';
import type { Ack } from '../core/settlement.js';
import type { MessageSource, Settling } from '../ports/source.js';
import { fail, type Burial } from './failing.js';
import { join, type Following, type JoiningOptions } from './joining.js';
import type { StepRecorder } from './step-recorder.js';

type Settle = MessageSource['settle'];

export interface ConcludingOptions extends JoiningOptions {
  readonly source: MessageSource;
  readonly codec: Codec;
  readonly recorder: StepRecorder;
}

/** What a consumer tells of its deliveries. */
export interface Holding {
  /** Whose the entries of these runs are now. Keeps fresh what is held. */
  holds(leases: readonly Lease[]): Promise<ReadonlyMap<Lease, Hold>>;
  /** Its handler takes no part in workflows: it only looks on. */
  looksOn(settling: Settling): boolean;
}

/** A settlement, with what is recorded of its step. */
interface Concluded {
  readonly settling: Settling;
  readonly step?: FinishedStep | undefined;
}

/** As long as steps that are published apart are known, ms. */
const HOOKS_ARE_KNOWN_FOR = 3_600_000;

/**
 * Settles what belongs to workflows: the last arrival of a fan-out brings its join along, and a dead
 * letter what was declared for failures. All of it may be repeated, after whatever line it broke off.
 *
 * Steps are recorded on the way, just before their settlement and not awaited by it: where recording
 * fails, the work goes on, and a workflow looks as if the step were still to come until it succeeds.
 */
export class StepSettling {
  /** Of settlements that have to be tried again, and whose steps are recorded. */
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

  /** @param steps of each, undefined where there is none */
  private async carryOut(
    batch: readonly Settling[],
    steps: readonly (FinishedStep | undefined)[],
  ): ReturnType<Settle> {
    const { recorded } = this;
    const fresh = steps.filter((step, at) => step && !recorded.has(batch[at]!.lease));
    this.options.recorder.record(fresh as FinishedStep[]);
    // It is recorded whatever comes of that: another try records nothing anew.
    const tryLater = (at: number): void => void (steps[at] && recorded.add(batch[at]!.lease));
    try {
      const outcomes = await this.settle(batch);
      for (let at = 0; at < batch.length; at++) if (outcomes[at] instanceof Error) tryLater(at);
      return outcomes;
    } catch (error) {
      for (let at = 0; at < batch.length; at++) tryLater(at);
      throw error;
    }
  }

  /** @param holds whose those that arrive at a join are now */
  private async prepare(
    settling: Settling,
    holds?: Promise<ReadonlyMap<Lease, Hold>>,
  ): Promise<Concluded | Error | 'lost' | 'gone'> {
    try {
      if ('record' in settling) return await this.bury(settling);
      const { settlement, lease } = settling;
      const step = stepOf(settling);
      if (step && this.waitsLong(step)) await this.keep(step);
      const arriving = step?.arriving;
      if (!arriving) return concluded(settling);
      // Where it is somebody else's, what he brings counts: this run may have stood still meanwhile.
      const hold = (await holds!).get(lease)!;
      // Carried out at an earlier try, but for what is not in that step.
      if (hold === 'gone' && this.recorded.has(lease)) return concluded(settling);
      if (hold !== 'held') return hold;
      const { place, trace: metadata, result } = arriving;
      const duplicate = (settlement as Ack).unrun === 'duplicate';
      const follows = await join(this.options, { lease, place, metadata, duplicate }, result);
      const brought = withSteps(settlement as Ack, lease, arriving, follows);
      return concluded({ lease, settlement: brought });
    } catch (error) {
      return asError(error);
    }
  }

  /** The last step of a branch, one that something follows much later, or an end to be told of. */
  private needsTime(settling: Settling): boolean {
    if (settling.settlement.kind === 'dead-letter') return true;
    const step = stepOf(settling);
    return step !== undefined && (step.arriving !== undefined || this.waitsLong(step));
  }

  /** What waits for a moment is within the time for which everything is kept. */
  private waitsLong({ waits = 0 }: EndedStep): boolean {
    return waits > this.options.ttl / 1000;
  }

  /** Before something waits: what its branch belongs to must be known for as long. */
  private async keep({ workflow, waits = 0 }: EndedStep): Promise<void> {
    const { store, ttl } = this.options;
    await store?.keep(workflow, waits + ttl);
  }

  private async bury(settling: Burial): Promise<Concluded | 'lost' | 'gone'> {
    const { options, holding } = this;
    if (holding.looksOn(settling)) return { settling };
    const { lease } = settling;
    const holdOf = async (): Promise<Hold> => (await holding.holds([lease])).get(lease)!;
    const failed = await fail(options, options.codec, settling, holdOf);
    if (!failed) return { settling };
    if (typeof failed === 'string') return failed;
    await this.publishOnce(settling, failed.publish);
    const { place, report, forgiven } = failed;
    const ended = { failed: !forgiven };
    return { settling, step: endedStep(place, report, lease.redrive, ended) };
  }

  /** Before the dead letter is stored, and once, however often that is tried. */
  private async publishOnce(burial: Burial, entries: readonly OutgoingEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const { source } = this.options;
    const { record: letter, lease } = burial;
    const again = lease.redriven ? `/redriven/${lease.redrive}` : '';
    const name = `${letter.stream}/${letter.id}/${letter.group}${again}/failed`;
    const once = source.capabilities.idempotentPublish
      ? entries.map((entry, index) => ({
          ...entry,
          idempotency: { key: `${name}/${index}`, window: HOOKS_ARE_KNOWN_FOR },
        }))
      : entries;
    const refused = (await source.publish(once)).find((result) => result instanceof Error);
    if (refused) throw refused;
  }
}

const isConcluded = (one: Concluded | Error | 'lost' | 'gone'): one is Concluded =>
  typeof one !== 'string' && !(one instanceof Error);

const concluded = (settling: Settling): Concluded => ({ settling, step: stepOf(settling) });

const stepOf = ({ settlement }: Settling): EndedStep | undefined =>
  settlement.kind === 'ack' ? settlement.step : undefined;

/** What followed from the arrival follows from the step. */
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
