import type { Statements } from '../connection/statements.js';
import { toStored } from '../sql/exact-text.js';
import type { Streams } from '../streams/streams.js';

/** What one look at the publishers of a stream leaves for the next one. */
interface Look {
  /** Up to this id no message of the stream is missing. */
  readonly complete: string;
  /** Ids that were drawn up to now. */
  readonly drawn: string;
  /** The publishers that may have drawn some of them and have not committed. */
  readonly holders: readonly string[];
}

const FIRST: Look = { complete: '0', drawn: '0', holders: [] };

/** Tells up to which id groups have settled everything. */
export class SettledUpTo {
  /** By the number of the stream. */
  private readonly looks = new Map<number, Look>();

  constructor(
    private readonly database: Statements,
    private readonly streams: Streams,
  ) {}

  /** Undefined: nothing is settled, or there is no such group. */
  async of(stream: string, group: string): Promise<string | undefined> {
    const number = await this.streams.find(stream);
    if (number === undefined) return undefined;
    const { complete, drawn, holders } = this.looks.get(number) ?? FIRST;
    const { rows } = await this.database.query<Look & { readonly upto: string | null }>(
      'looking how far a group has come',
      'select upto, complete, drawn, holders from {schema}.settled_up_to($1, $2, $3, $4, $5)',
      [number, toStored(group), complete, drawn, holders],
    );
    const found = rows[0];
    if (!found) return undefined;
    this.looks.set(number, found);
    return found.upto ?? undefined;
  }
}
