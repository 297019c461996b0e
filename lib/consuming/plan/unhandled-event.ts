import type { UnhandledEvent } from '../../core/unhandled-event.js';
import { deadLetter, filtered, leave, type Settlement } from '../../core/settlement.js';
import type { HandlerTable } from './handler-table.js';

/** What becomes of an entry that no handler of a table takes. */
export function unhandledEvent(table: HandlerTable, isRequest: boolean): UnhandledEvent {
  return { otherwise: otherwise(table, isRequest), told: false };
}

function otherwise({ unmatched }: HandlerTable, isRequest: boolean): Settlement {
  if (unmatched === 'leave') return leave;
  // Another group may answer a request. If none does, the time limit tells the caller.
  return unmatched === 'ack' || isRequest ? filtered : deadLetter('unmatched');
}
