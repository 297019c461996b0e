import type { Clock } from '../core/clock.js';
import type { Codec } from '../core/codecs/codec.js';
import type { Delivery } from '../core/delivery.js';
import type { DueTime } from '../options/due-time.js';
import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { Instruments } from '../core/instruments.js';
import type { Lease } from '../core/lease.js';
import type { Middleware } from '../core/middleware.js';
import type { Ack, Settlement } from '../core/settlement.js';
import { reported } from '../core/published-report.js';
import type { MessageSource } from '../ports/source.js';
import type { WorkflowStore } from '../ports/workflow-store.js';
import { NextSteps, type NextStepsOptions, type StepMessage } from './next-steps.js';
import { duplicateStep, filteredStep } from './unrun-step.js';
import { needsStore, StepSettling, type ConcludingOptions, type Holding } from './step-settling.js';
import { recognise } from './recognise.middleware.js';
import { WorkflowReport } from './workflow-report.js';
import { StepRecorder } from './step-recorder.js';
import { Workflows } from './workflows.js';

type Settle = MessageSource['settle'];

export interface WorkflowEngineOptions
  extends
    Omit<NextStepsOptions, 'stored' | 'technology'>,
    Omit<ConcludingOptions, 'technology' | 'recorder'> {
  readonly events: EventBus;
  readonly publish: (
    message: StepMessage & DueTime & { readonly idempotencyKey?: string },
  ) => Promise<string>;
}

/** All that the pipeline, the settler and handlers need for workflows. */
export class WorkflowEngine {
  /** Recognises steps, and acknowledges those of cancelled workflows without a run. */
  readonly recognise: Middleware;
  /** How a step ends whose key another message has completed. */
  readonly duplicateStep: (delivery: Delivery) => Ack | undefined;
  /** How a step ends that the `filter` of its handler refuses. */
  readonly filteredStep: (delivery: Delivery) => Ack | undefined;
  /**
   * Whether the settlement of a message waits for the store of workflows. Undefined: that is the source's
   * own.
   */
  readonly needsStore: ((settlement: Settlement, lease: Lease) => boolean) | undefined;
  readonly workflows: Workflows;
  private readonly chainer: NextSteps;
  private readonly concluding: ConcludingOptions;

  constructor(options: WorkflowEngineOptions) {
    const { store, source, clock, storedApart } = options;
    const { technology, idempotentPublish } = source.capabilities;
    const [recorder, report] = [new StepRecorder(options), new WorkflowReport(options)];
    this.concluding = { ...options, technology, recorder, report };
    this.chainer = new NextSteps({ ...options, technology, stored: store !== undefined });
    this.recognise = recognise(store, clock);
    this.duplicateStep = (delivery) => duplicateStep(delivery, clock);
    this.filteredStep = (delivery) => filteredStep(delivery, clock);
    this.needsStore = storedApart ? needsStore : undefined;
    this.workflows = new Workflows({
      ...options,
      idempotent: idempotentPublish !== false,
      store: () => store ?? refuse(technology),
    });
  }

  /** The settlement for a message whose handler returned `result`; see {@link NextSteps.chain}. */
  chain(delivery: Delivery, result: unknown, own: unknown): Settlement {
    return this.chainer.chain(delivery, result, own);
  }

  /** Reports a result that looks like an instruction and is none. */
  notice(delivery: Delivery, result: unknown): void {
    this.chainer.notice(delivery, result);
  }

  /** Settles steps for one consumer. */
  settling(settle: Settle, holding: Holding): Settle {
    return new StepSettling(this.concluding, holding, settle).all;
  }

  /** Call it when nothing is settled any more. */
  stop(): Promise<void> {
    return this.concluding.recorder.stop();
  }
}

function refuse(technology: string): never {
  const advice = 'Fill the slot stateStore, or use a driver that has the port workflows.';
  throw new UnsupportedFeatureError('Keeping the state of workflows', technology, advice);
}

/** The parts of a runtime that workflows need. */
export interface WorkflowEngineParts {
  readonly options: {
    readonly codec: Codec;
    readonly maxPayloadBytes: number;
    readonly workflowTtl: number;
  };
  readonly clock: Clock;
  readonly events: EventBus;
  readonly driver: { readonly source: MessageSource };
  readonly slots: {
    readonly workflows: {
      /** Undefined: workflows cannot be joined, inspected or cancelled. */
      readonly store: WorkflowStore | undefined;
      readonly storedApart: boolean;
    };
  };
  readonly instruments: Instruments;
  readonly producer: {
    readonly encode: WorkflowEngineOptions['encode'];
    readonly publish: WorkflowEngineOptions['publish'];
  };
}

export function createWorkflowEngine({
  options,
  clock,
  events,
  driver,
  slots,
  producer,
  instruments,
}: WorkflowEngineParts): WorkflowEngine {
  const { codec, maxPayloadBytes, workflowTtl: ttl } = options;
  const { source } = driver;
  const { capabilities } = source;
  const parts = { events, codec, clock };
  const publish = reported((entries) => source.publish(entries), parts, 'settlement');
  return new WorkflowEngine({
    ...slots.workflows,
    codec,
    maxPayloadBytes,
    ttl,
    clock,
    events,
    instruments,
    source: { capabilities, publish },
    encode: (message) => producer.encode(message),
    publish: (message) => producer.publish(message),
  });
}
