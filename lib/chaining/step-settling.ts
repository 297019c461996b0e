import type { Codec } from '../core/codec.js';
import { finished, type Arriving } from '../core/ended-step.js';
import type { EventBus } from '../core/events.js';
import type { Lease } from '../core/lease.js';
import type { OutgoingEntry } from '../core/message.js';
import type { Ack } from '../core/settlement.js';
import type { MessageSource, Settling } from '../core/source.js';
import type { FinishedStep } from '../core/workflow-store.js';
import { fail, type Burial } from './failing.js';
import { join, type Following, type JoiningOptions } from './joining.js';

type Settle = MessageSource['settle'];

export interface ConcludingOptions extends JoiningOptions {
  readonly source: MessageSource;
  readonly codec: Codec;
  readonly events: EventBus;
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
  readonly step?: FinishedStep;
}

/** As long as steps that are published apart are known, ms. */
const HOOKS_ARE_KNOWN_FOR = 3_600_000;

/**
 * Settles what belongs to workflows: the last arrival of a fan-out brings its join along, and a dead
 * letter what was declared for failures. All of it may be repeated, after whatever line it broke off.
 *
 * Steps are recorded on the way, just before their settlement and not awaited by it: where recording
 * fails, the work goes on, and a workflow looks as if the step were still to come.
 */
export class StepSettling {
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
    if (concerned) this.record(stepsIn(batch));
    return this.settle(batch);
  };

  private async conclude(batch: readonly Settling[]): ReturnType<Settle> {
    const ready = await Promise.all(batch.map((one) => this.prepare(one)));
    const going = ready.filter(isConcluded);
    this.record(going.flatMap(({ step }) => step ?? []));
    const outcomes = await this.settle(going.map(({ settling }) => settling));
    let next = 0;
    return ready.map((one) => (isConcluded(one) ? outcomes[next++]! : one));
  }

  private async prepare(settling: Settling): Promise<Concluded | Error | 'lost'> {
    try {
      if ('record' in settling) return await this.bury(settling);
      const { settlement, lease } = settling;
      const arriving = settlement.kind === 'ack' ? settlement.step?.arriving : undefined;
      if (!arriving) return concluded(settling);
      const { place, trace: metadata, result } = arriving;
      const follows = await join(this.options, { lease, place, metadata }, result);
      const brought = withSteps(settlement as Ack, lease, arriving, follows);
      return concluded({ lease, settlement: brought });
    } catch (error) {
      return error as Error;
    }
  }

  private async bury(settling: Burial): Promise<Concluded | 'lost'> {
    const { options, holding } = this;
    if (holding.looksOn(settling)) return { settling };
    const stillOurs = (): Promise<boolean> => holding.stillOurs(settling.lease);
    const failed = await fail(options, options.codec, settling, stillOurs);
    if (failed === 'lost') return failed;
    if (!failed) return { settling };
    await this.publishOnce(settling, failed.publish);
    const { place, report, forgiven } = failed;
    return { settling, step: finished(place, report, settling.lease.redriven, !forgiven) };
  }

  /** Before the dead letter is stored, and once, however often that is tried. */
  private async publishOnce(burial: Burial, entries: readonly OutgoingEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const { source } = this.options;
    const { record: letter, lease } = burial;
    const again = lease.redriven ? '/redriven' : '';
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

  private record(steps: readonly FinishedStep[]): void {
    const { store, ttl, events } = this.options;
    if (!store || steps.length === 0) return;
    const tell = (error: unknown): void =>
      events.emit('worker-error', { worker: 'workflow-recorder', error: error as Error });
    store.record(steps, ttl).then((results) => {
      const failed = results.find((result) => result instanceof Error);
      if (failed) tell(failed);
    }, tell);
  }
}

/** The last step of a branch, or an end that has to be told to somebody. */
const needsTime = ({ settlement }: Settling): boolean =>
  settlement.kind === 'dead-letter' ||
  (settlement.kind === 'ack' && settlement.step?.arriving !== undefined);

const isConcluded = (one: Concluded | Error | 'lost'): one is Concluded =>
  one !== 'lost' && !(one instanceof Error);

function concluded(settling: Settling): Concluded {
  const { settlement } = settling;
  return settlement.kind === 'ack' && settlement.step
    ? { settling, step: settlement.step.finished }
    : { settling };
}

function stepsIn(batch: readonly Settling[]): FinishedStep[] {
  const steps: FinishedStep[] = [];
  for (const { settlement } of batch) {
    if (settlement.kind === 'ack' && settlement.step) steps.push(settlement.step.finished);
  }
  return steps;
}

/** What followed from the arrival follows from the step. */
function withSteps(
  settlement: Ack,
  { redriven }: Lease,
  { place, report }: Arriving,
  follows: readonly Following[],
): Ack {
  if (follows.length === 0) return settlement;
  const next = follows.map(({ place: there, event }) => [there, event] as const);
  return {
    ...settlement,
    publish: follows.map(({ entry }) => entry),
    step: { finished: finished(place, { ...report, next }, redriven) },
  };
}
