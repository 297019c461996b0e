import type { OverrunStatus } from '../../core/overrun.js';
import type { ReaderStatus } from '../../core/reader-status.js';
import type { Reason } from './health-report.js';

/** A read may take three times as long as it should, and at least this long, in milliseconds. */
const LEAST_DEADLINE = 30_000;

export interface ReaderCheck {
  readonly now: number;
  /** Deadlines begin here at the earliest: after an outage, or after a blocked event loop. */
  readonly notBefore: number;
  /** A connection is broken: the read waits for it, and readiness tells of it. */
  readonly isOutage: boolean;
  readonly deadline: number | undefined;
  readonly overruns: readonly OverrunStatus[];
}

/** Why a reading loop makes no progress. Undefined: it does, or is not yet late. */
export function readerCause(reader: ReaderStatus, check: ReaderCheck): Reason | undefined {
  const { now, notBefore, isOutage, deadline, overruns } = check;
  const late = deadline ?? Math.max(3 * reader.blockTimeout, LEAST_DEADLINE);
  const standsFor = now - Math.max(reader.since, notBefore);
  if (reader.activity === 'paused' || standsFor <= late) return undefined;
  const { group } = reader;
  const of = `The reader of ${streamsOf(reader)} in group "${group}"`;
  const seconds = `${Math.round(standsFor / 1000)} s`;
  if (reader.activity === 'reading') {
    if (isOutage) return undefined;
    const message = `${of} waits for an answer for ${seconds}.`;
    return { code: 'reader-stuck', status: 'down', message, group };
  }
  if (reader.activity === 'failing') {
    const message = `${of} has failed for ${seconds}: ${reader.error?.message ?? ''}`;
    return { code: 'reader-failing', status: 'down', message, group };
  }
  if (overruns.some((run) => run.group === group && !run.slotGivenBack)) {
    const message = `${of} reads nothing for ${seconds}: methods that go on after their timeout hold the slots.`;
    return { code: 'reader-blocked', status: 'down', message, group };
  }
  const message = `${of} reads nothing new for ${seconds}, because all slots are taken.`;
  return { code: 'reader-waiting', status: 'degraded', message, group };
}

/** Down where a reading loop has not asked for messages yet. */
export function notReading(reader: ReaderStatus): Reason | undefined {
  if (reader.hasRead || reader.activity === 'paused') return undefined;
  const { group } = reader;
  const message = `The reader of ${streamsOf(reader)} in group "${group}" has not read yet.`;
  return { code: 'not-reading', status: 'down', message, group };
}

/** Some names of its streams: there may be thousands. */
function streamsOf({ streams }: ReaderStatus): string {
  const more = streams.length > 3 ? ` and ${streams.length - 3} more streams` : '';
  return `"${streams.slice(0, 3).join('", "')}"${more}`;
}
