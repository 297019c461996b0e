import type { MessageHandler } from '@nestjs/microservices';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { BatchHandler, BatchedDelivery } from '../../core/delivery.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { deadLetter, type Settlement } from '../../core/settlement.js';
import { stepsIn } from '../../workflows/instructions.js';
import { BatchResult } from './batch-result.js';
import { runMethod, type WorkflowEngine, type ProcessingHooks } from './handler-invoker.js';
import { StreamBatchContext } from './stream-batch.context.js';

type Outlived = Parameters<BatchHandler>[1];

/**
 * Makes the engine's handler of a method that takes batches. Where pipes refuse an array of several
 * payloads, each message runs alone: only those that are refused then become dead letters.
 */
export function createBatchInvoker(
  callback: MessageHandler,
  hooks: ProcessingHooks,
  chaining?: WorkflowEngine,
): BatchHandler {
  return run;

  async function run(items: readonly BatchedDelivery[], outlived?: Outlived): Promise<void> {
    const context = new StreamBatchContext(items, outlived);
    const payloads = items.map(({ delivery }) => delivery.message.payload);
    const invoke = (): Promise<Settlement> => runMethod(callback, payloads, context);
    const settlement = hooks.hooked ? await hooks.around(context, invoke) : await invoke();
    if (settlement.kind !== 'ack') return refused(items, settlement, outlived);
    const { intercepted, returned, result } = context.run;
    settle(context, items, intercepted ? returned : result);
  }

  function settle(
    context: StreamBatchContext,
    items: readonly BatchedDelivery[],
    returned: unknown,
  ): void {
    if (returned instanceof BatchResult) return returned.carryOut(context);
    const { delivery } = items[0]!;
    if (stepsIn(returned, delivery.handler!.plainInstructions)) return refuseStep(items);
    chaining?.notice(delivery, returned);
  }

  /** A pipe has refused the payloads, so the method did not run. */
  async function refused(
    items: readonly BatchedDelivery[],
    rejection: Settlement,
    outlived?: Outlived,
  ): Promise<void> {
    if (items.length === 1) {
      items[0]!.asked = rejection;
      return;
    }
    for (const item of items) await alone(item, outlived);
  }

  /** Runs one message alone, so that it fails alone. */
  async function alone(item: BatchedDelivery, outlived?: Outlived): Promise<void> {
    try {
      await run([item], outlived);
    } catch (error) {
      item.failed = { error };
    }
  }
}

/** A next step must not get lost silently, and no later run could publish it. */
function refuseStep(items: readonly BatchedDelivery[]): void {
  const advice = 'Publish what follows, or handle the messages one by one.';
  const what = 'Chaining from a handler with batch';
  const error = errorRecord(new UnsupportedFeatureError(what, 'batches', advice));
  for (const item of items) item.asked ??= deadLetter('unrecoverable', error);
}
