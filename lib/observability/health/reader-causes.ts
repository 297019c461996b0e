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
  const { now, notBefore, isOutage, overruns } = check;
  const late = deadlineOf(reader, check);
  const standsFor = now - Math.max(reader.since, notBefore);
  if (reader.activity === 'paused' || standsFor <= late) return undefined;
  const { group } = reader;
  const of = `The reader of ${namesOf(reader.streams)} in group "${group}"`;
  const time = seconds(standsFor);
  if (reader.activity === 'reading') {
    if (isOutage) return undefined;
    const message = `${of} waits for an answer for ${time}.`;
    return { code: 'reader-stuck', status: 'down', message, group };
  }
  if (reader.activity === 'failing') {
    const message = `${of} has failed for ${time}: ${reader.error?.message ?? ''}`;
    return { code: 'reader-failing', status: 'down', message, group };
  }
  const hold = overruns.some((run) => run.group === group && !run.slotGivenBack);
  // Runs that go on as they should would be lost with the process.
  if (hold && reader.runs === 0) {
    const message = `${of} reads nothing for ${time}: methods that go on after their timeout hold the slots.`;
    return { code: 'reader-blocked', status: 'down', message, group };
  }
  const message = `${of} reads nothing new for ${time}, because all slots are taken.`;
  return { code: 'reader-waiting', status: 'degraded', message, group };
}

/**
 * What keeps the source from reading, while the reading loop goes on. No reason to restart the process:
 * a new one could not read either.
 */
export function sourceCauses(reader: ReaderStatus, check: ReaderCheck): Reason[] {
  if (reader.activity === 'paused') return [];
  const { unansweredFor, fullFor } = reader.trouble;
  const { group } = reader;
  const late = deadlineOf(reader, check);
  const of = `The reader of ${namesOf(reader.streams)} in group "${group}"`;
  const causes = refusedCause(reader);
  const silentFor = Math.min(unansweredFor, check.now - check.notBefore);
  if (!check.isOutage && silentFor > late) {
    const message = `${of} asks for messages, and the server has not answered for ${seconds(silentFor)}.`;
    causes.push({ code: 'reads-unanswered', status: 'down', message, group });
  }
  if (fullFor > late) {
    const message = `${of} reads nothing new for ${seconds(fullFor)}, because the messages in hand fill the memory for reads.`;
    causes.push({ code: 'reader-waiting', status: 'degraded', message, group });
  }
  return causes;
}

/** Down where no stream of the reader is left that can be read. */
function refusedCause({ trouble, streams, blockTimeout, group }: ReaderStatus): Reason[] {
  // A read that follows a refused one may take its time.
  const lasting = [...trouble.refused].filter(([, { lasts }]) => lasts > 2 * blockTimeout);
  const [first] = lasting;
  if (!first) return [];
  const names = lasting.map(([stream]) => stream);
  const status = names.length < streams.length ? 'degraded' : 'down';
  const message = `Group "${group}" cannot read ${namesOf(names)}: ${first[1].error.message}`;
  const cause = { code: 'stream-unreadable', status, message, group } as const;
  return [names.length === 1 ? { ...cause, stream: first[0] } : cause];
}

const deadlineOf = ({ blockTimeout }: ReaderStatus, { deadline }: ReaderCheck): number =>
  deadline ?? Math.max(3 * blockTimeout, LEAST_DEADLINE);

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/** Down where a reading loop has not asked for messages yet. */
export function notReading(reader: ReaderStatus): Reason | undefined {
  if (reader.hasRead || reader.activity === 'paused') return undefined;
  const { group } = reader;
  const message = `The reader of ${namesOf(reader.streams)} in group "${group}" has not read yet.`;
  return { code: 'not-reading', status: 'down', message, group };
}

/** Some names of streams: there may be thousands. */
function namesOf(streams: readonly string[]): string {
  const more = streams.length > 3 ? ` and ${streams.length - 3} more streams` : '';
  return `"${streams.slice(0, 3).join('", "')}"${more}`;
}
