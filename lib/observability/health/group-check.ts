import { within } from '../../core/clock.js';
import { grouped } from '../../core/collections/grouped.js';
import { asError } from '../../core/errors/error-record.js';
import { StreamsError } from '../../core/errors/streams.error.js';
import type { StreamReport } from '../../ports/group-admin.js';
import type { Reason } from './health-report.js';
import type { Watched } from './watched.js';

/** Errors of a server that answers, and does not tell what was asked. */
const UNTOLD: ReadonlySet<string> = new Set([
  'PERMISSION_DENIED',
  'UNSUPPORTED_FEATURE',
  'WRONG_KEY_TYPE',
]);
/** Most streams that one look asks for: a process may read thousands, and a probe waits a second. */
const MOST = 50;

type Groups = NonNullable<Watched['groups']>;

/** A stream that a group reads. */
interface Read {
  readonly stream: string;
  readonly group: string;
}

/**
 * Asks the server whether the groups exist, and so whether it answers at all. Where there are many
 * streams, the looks take turns. Those in which something was found missing come first.
 */
export class GroupCheck {
  /** What is missing, by stream and group. */
  private readonly missing = new Map<string, Reason>();
  /** What the last look could not find out. */
  private failures: readonly Reason[] = [];
  private answeredAt = -Infinity;
  private look: Promise<void> | undefined;
  /** Where the next look goes on. */
  private next = 0;

  constructor(
    private readonly watched: Watched,
    private readonly options: { readonly timeout: number; readonly cacheFor: number },
  ) {}

  /**
   * Never rejects. Takes no longer than `timeout`. Begins no look while one is under way: a server that
   * is slow would get more and more to do.
   */
  async causes(): Promise<readonly Reason[]> {
    const { clock } = this.watched;
    const { timeout, cacheFor } = this.options;
    if (clock.now() - this.answeredAt <= cacheFor) return this.found;
    this.look ??= this.ask().finally(() => (this.look = undefined));
    let isOver = false;
    await within(
      clock,
      timeout,
      this.look.then(() => void (isOver = true)),
    );
    if (isOver) return this.found;
    const message = `The server has not answered within ${timeout} ms.`;
    return [{ code: 'server-silent', status: 'down', message }];
  }

  private get found(): readonly Reason[] {
    return [...this.failures, ...this.missing.values()];
  }

  private async ask(): Promise<void> {
    const { groups, clock } = this.watched;
    const asked = groups ? grouped(this.turn(), ({ group }) => group) : [];
    const failures = await Promise.all([...asked].map(([, reads]) => this.lookAt(reads, groups!)));
    this.failures = failures.flat();
    this.answeredAt = clock.now();
  }

  /** Returns what could not be found out. */
  private async lookAt(reads: readonly Read[], groups: Groups): Promise<Reason[]> {
    try {
      const reports = await groups.describe(reads.map(({ stream }) => stream));
      for (const [at, read] of reads.entries()) this.note(read, reports[at]);
      return [];
    } catch (thrown) {
      const error = asError(thrown);
      // One key of another type hides no other stream.
      const splits = reads.length > 1 && codeOf(error) === 'WRONG_KEY_TYPE';
      if (!splits) return [failed(error, reads[0]!.group)];
      return (await Promise.all(reads.map((read) => this.lookAt([read], groups)))).flat();
    }
  }

  /** What this look asks for. */
  private turn(): readonly Read[] {
    const all = this.watched
      .groupsRead()
      .flatMap(({ group, streams }) => [...streams].map((stream) => ({ stream, group })));
    const reads = new Map(all.map((read) => [keyOf(read), read]));
    for (const key of this.missing.keys()) if (!reads.has(key)) this.missing.delete(key);
    if (all.length <= MOST) return all;
    const again = [...this.missing.keys()].slice(0, MOST / 2);
    const chosen = new Map(again.map((key) => [key, reads.get(key)!]));
    for (let tries = 0; tries < all.length && chosen.size < MOST; tries++) {
      const read = all[this.next++ % all.length]!;
      chosen.set(keyOf(read), read);
    }
    return [...chosen.values()];
  }

  /** What is found again comes last, so that others take their turn. */
  private note(read: Read, report: StreamReport | undefined): void {
    const key = keyOf(read);
    this.missing.delete(key);
    const reason = missingIn(report, read);
    if (reason) this.missing.set(key, reason);
  }
}

const keyOf = ({ stream, group }: Read): string => `${group}\n${stream}`;

/** A source waits for a stream that does not exist yet. A group it creates, unless it was deleted. */
function missingIn(report: StreamReport | undefined, { stream, group }: Read): Reason | undefined {
  if (!report) {
    const message = `Stream "${stream}" does not exist yet. Group "${group}" waits for it.`;
    return { code: 'stream-missing', status: 'degraded', message, stream, group };
  }
  if (report.groups.some(({ name }) => name === group)) return undefined;
  const message = `Group "${group}" of stream "${stream}" does not exist.`;
  return { code: 'group-missing', status: 'down', message, stream, group };
}

const codeOf = (error: Error): string => (error instanceof StreamsError ? error.code : '');

function failed(error: Error, group: string): Reason {
  const { message } = error;
  return UNTOLD.has(codeOf(error))
    ? { code: 'groups-unknown', status: 'degraded', message, group }
    : { code: 'server-silent', status: 'down', message, group };
}
