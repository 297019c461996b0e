import type { Clock } from '../core/clock.js';
import type { Delivery } from '../core/delivery.js';
import { endedStep } from './ended-step.js';
import type { Middleware } from '../core/middleware.js';
import type { Ack } from '../core/settlement.js';
import { placeIn, type ScopedPlace } from './workflow-place.js';
import type { WorkflowStore } from '../ports/workflow-store.js';
import { reportOf } from './step-report.js';

/**
 * For handlers that chain: recognises steps by their metadata, and acknowledges steps of cancelled
 * workflows without a run. A message that belongs to no workflow costs one look-up. Where the store
 * does not answer, the run fails: a step that may have been cancelled must not run.
 */
export function recognise(store: WorkflowStore | undefined, clock: Clock): Middleware {
  const cancelled = store && new Asking((ids) => store.areCancelled(ids));
  return (delivery, next) => {
    const place = placeIn(delivery.message.metadata);
    if (!place) return next(delivery);
    delivery.workflow = place;
    if (!cancelled) return next(delivery);
    return cancelled
      .ask(place.id)
      .then((yes) => (yes ? unrun(delivery, place, clock) : next(delivery)));
  };
}

function unrun(delivery: Delivery, place: ScopedPlace, clock: Clock): Ack {
  const { attempt, lease } = delivery;
  const what = { outcome: 'cancelled', attempts: attempt - 1 } as const;
  const step = endedStep(place, reportOf(delivery, place, clock, what), lease.redrive);
  return { kind: 'ack', unrun: 'cancelled', step };
}

interface Question {
  readonly id: string;
  readonly resolve: (cancelled: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects the questions of one turn of the event loop into one call. */
class Asking {
  private questions: Question[] = [];

  constructor(private readonly answer: (ids: readonly string[]) => Promise<boolean[]>) {}

  ask(id: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.questions.length === 0) process.nextTick(() => void this.send());
      this.questions.push({ id, resolve, reject });
    });
  }

  private async send(): Promise<void> {
    const asked = this.questions;
    this.questions = [];
    try {
      const answers = await this.answer(asked.map(({ id }) => id));
      for (const [index, { resolve }] of asked.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
