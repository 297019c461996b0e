import { COMPLETIONS } from './completions.sql.js';
import { DEAD_LETTERS } from './dead-letters.sql.js';
import { DELAYS } from './delays.sql.js';
import { DELIVERY } from './delivery.sql.js';
import { GARBAGE } from './garbage.sql.js';
import { LEASES } from './leases.sql.js';
import { LIVE } from './live.sql.js';
import { OUTBOX } from './outbox.sql.js';
import { OWNERSHIP } from './ownership.sql.js';
import { PUBLISHED } from './published.sql.js';
import { REPLIES } from './replies.sql.js';
import { RETENTION } from './retention.sql.js';
import { SETTLED } from './settled-up-to.sql.js';
import { STATE } from './state.sql.js';
import { STREAMS } from './streams.sql.js';
import { WORKFLOWS } from './workflows.sql.js';

/** The statements that lead from one version of the schema to the next. */
export interface Migration {
  readonly version: number;
  /** The oldest version of libraries that work with the schema afterwards. */
  readonly worksFrom: number;
  readonly statements: readonly string[];
}

/** Oldest first. One that was released never changes. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    worksFrom: 1,
    statements: [
      ...STREAMS,
      ...DELIVERY,
      ...RETENTION,
      ...SETTLED,
      ...STATE,
      ...DEAD_LETTERS,
      ...COMPLETIONS,
      ...WORKFLOWS,
      ...LEASES,
      ...DELAYS,
      ...REPLIES,
      ...PUBLISHED,
      ...LIVE,
      ...OWNERSHIP,
      ...OUTBOX,
      ...GARBAGE,
    ],
  },
];

/** The version of the schema that this library needs. */
export const VERSION = MIGRATIONS.at(-1)!.version;
