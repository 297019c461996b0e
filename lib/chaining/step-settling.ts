import type { Codec } from '../core/codec.js';
import { finished, type Arriving, type EndedStep } from '../core/ended-step.js';
import type { Lease } from '../core/lease.js';
import type { OutgoingEntry } from '../core/message.js';
import type { Ack, Settlement } from '../core/settlement.js';
import type { MessageSource, Settling } from '../core/source.js';
import type { FinishedStep } from '../core/workflow-store.js';
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
  /** Whether this run still owns the entry. Keeps it fresh. */
  stillOurs(lease: Lease): Promise<boolean>;
  /** Its handler takes no part in workflows: it only looks on. */
  looksOn(settling: Settling): boolean;
}

/** A settlement, with what is recorded of its step. */
interface Concluded {
  readonly settling: Settling;
  /** As it was asked for, which is the same at each try. */
  readonly of: Settlement;
  readonly step?: FinishedStep;
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
  /** Settlements that have to be tried again, and whose steps are recorded. */
  private readonly recorded = new WeakSet<Settlement>();

  constructor(
    private readonly options: ConcludingOptions,
    private readonly holding: Holding,
    private readonly settle: Settle,
  ) {}

  readonly all: Settle = (batch) => {
    let concerned = false;
    for (const settling of batch) {
      if (needsTime(settling)) return this.conclude(batch);
      if (settling.settlement.kind === 'ack' && settling.settlement.step) concerned = true;
    }
    return concerned ? this.carryOut(batch.map(concluded)) : this.settle(batch);
  };

  private async conclude(batch: readonly Settling[]): ReturnType<Settle> {
    const ready = await Promise.all(batch.map((one) => this.prepare(one)));
    const outcomes = await this.carryOut(ready.filter(isConcluded));
    let next = 0;
    return ready.map((one) => (isConcluded(one) ? outcomes[next++]! : one));
  }

  private async carryOut(batch: readonly Concluded[]): ReturnType<Settle> {
    const { recorder } = this.options;
    recorder.record(batch.flatMap(({ step, of }) => (step && !this.recorded.has(of) ? step : [])));
    // It is recorded whatever comes of that: another try records nothing anew.
    const tryLater = ({ step, of }: Concluded): void => void (step && this.recorded.add(of));
    try {
      const outcomes = await this.settle(batch.map(({ settling }) => settling));
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome instanceof Error) tryLater(batch[index]!);
      }
      return outcomes;
    } catch (error) {
      batch.forEach(tryLater);
      throw error;
    }
  }

  private async prepare(settling: Settling): Promise<Concluded | Error | 'lost'> {
    try {
      if ('record' in settling) return await this.bury(settling);
      const { settlement, lease } = settling;
      const step = settlement.kind === 'ack' ? settlement.step : undefined;
      if (step?.waits !== undefined) await this.keep(step);
      const arriving = step?.arriving;
      if (!arriving) return concluded(settling);
      const duplicate = (settlement as Ack).unrun === 'duplicate';
      // Not ours any more: it is this very message that was completed, with all that follows.
      if (duplicate && !(await this.holding.stillOurs(lease))) return concluded(settling);
      const { place, trace: metadata, result } = arriving;
      const follows = await join(this.options, { lease, place, metadata, duplicate }, result);
      const brought = withSteps(settlement as Ack, lease, arriving, follows);
      return { ...concluded({ lease, settlement: brought }), of: settlement };
    } catch (error) {
      return error as Error;
    }
  }

  /** Before something waits: what its branch belongs to must be known for as long. */
  private async keep({ finished: { workflow }, waits }: EndedStep): Promise<void> {
    const { store, ttl } = this.options;
    // What waits for a moment is within the time for which everything is kept.
    if (waits! > ttl / 1000) await store?.keep(workflow, waits! + ttl);
  }

  private async bury(settling: Burial): Promise<Concluded | 'lost'> {
    const { options, holding } = this;
    const of = settling.settlement;
    if (holding.looksOn(settling)) return { settling, of };
    const stillOurs = (): Promise<boolean> => holding.stillOurs(settling.lease);
    const failed = await fail(options, options.codec, settling, stillOurs);
    if (failed === 'lost') return failed;
    if (!failed) return { settling, of };
    await this.publishOnce(settling, failed.publish);
    const { place, report, forgiven } = failed;
    return { settling, of, step: finished(place, report, settling.lease.redrive, !forgiven) };
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

/** The last step of a branch, one that is followed by something much later, or an end that has to be told to somebody. */
const needsTime = ({ settlement }: Settling): boolean =>
  settlement.kind === 'dead-letter' ||
  (settlement.kind === 'ack' &&
    (settlement.step?.arriving !== undefined || settlement.step?.waits !== undefined));

const isConcluded = (one: Concluded | Error | 'lost'): one is Concluded =>
  one !== 'lost' && !(one instanceof Error);

function concluded(settling: Settling): Concluded {
  const { settlement } = settling;
  const step = settlement.kind === 'ack' ? settlement.step?.finished : undefined;
  return step ? { settling, of: settlement, step } : { settling, of: settlement };
}

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
    step: { finished: finished(place, { ...report, next }, redrive) },
  };
}
