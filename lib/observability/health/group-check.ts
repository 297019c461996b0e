import { within } from '../../core/clock.js';
import { asError } from '../../core/errors/error-record.js';
import { StreamsError } from '../../core/errors/streams.error.js';
import type { StreamReport } from '../../ports/group-admin.js';
import type { Reason } from './health-report.js';
import type { Watched } from './watched.js';

/** Errors of a server that answers, and does not tell what was asked. */
const UNTOLD: ReadonlySet<string> = new Set(['PERMISSION_DENIED', 'UNSUPPORTED_FEATURE']);

/** Asks the server whether the groups exist, and so whether it answers at all. */
export class GroupCheck {
  private asked: { readonly at: number; readonly answer: Promise<Reason[]> } | undefined;

  constructor(
    private readonly watched: Watched,
    private readonly options: { readonly timeout: number; readonly cacheFor: number },
  ) {}

  /** Never rejects. Takes no longer than `timeout`. */
  causes(): Promise<Reason[]> {
    const { clock } = this.watched;
    if (!this.asked || clock.now() - this.asked.at > this.options.cacheFor) {
      this.asked = { at: clock.now(), answer: this.ask() };
    }
    return this.asked.answer;
  }

  private async ask(): Promise<Reason[]> {
    const { timeout } = this.options;
    let found: Reason[] | undefined;
    const looks = this.watched.groupsRead().map((read) => this.lookAt(read));
    const all = Promise.all(looks).then((causes) => void (found = causes.flat()));
    await within(this.watched.clock, timeout, all);
    if (found) return found;
    const message = `The server has not answered within ${timeout} ms.`;
    return [{ code: 'server-silent', status: 'down', message }];
  }

  private async lookAt(read: {
    readonly group: string;
    readonly streams: Iterable<string>;
  }): Promise<Reason[]> {
    const { group } = read;
    const streams = [...read.streams];
    const { groups } = this.watched;
    if (!groups || streams.length === 0) return [];
    try {
      const reports = await groups.describe(streams);
      return streams.flatMap((stream, index) => missing({ stream, group }, reports[index]) ?? []);
    } catch (thrown) {
      return [failed(asError(thrown), group)];
    }
  }
}

/** A source waits for a stream that does not exist yet. A group it creates, unless it was deleted. */
function missing(
  { stream, group }: { readonly stream: string; readonly group: string },
  report: StreamReport | undefined,
): Reason | undefined {
  if (!report) {
    const message = `Stream "${stream}" does not exist yet. Group "${group}" waits for it.`;
    return { code: 'stream-missing', status: 'degraded', message, stream, group };
  }
  if (report.groups.some(({ name }) => name === group)) return undefined;
  const message = `Group "${group}" of stream "${stream}" does not exist.`;
  return { code: 'group-missing', status: 'down', message, stream, group };
}

function failed(error: Error, group: string): Reason {
  const { message } = error;
  return error instanceof StreamsError && UNTOLD.has(error.code)
    ? { code: 'groups-unknown', status: 'degraded', message, group }
    : { code: 'server-silent', status: 'down', message, group };
}
