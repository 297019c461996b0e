import { readFileSync, readdirSync } from 'node:fs';

/** A page of the site: its file in docs/, without the ending. */
type Page = string;

/** One part of the index: its pages in the order in which a reader needs them. */
interface Part {
  readonly title: string;
  readonly pages: readonly Page[];
  /** Shown closed until the reader opens it. */
  readonly collapsed?: boolean;
}

const docs = new URL('..', import.meta.url);

/** The one index of the site. Each page of docs/ stands here once; a test compares. */
export const PARTS: readonly Part[] = [
  { title: 'Begin', pages: ['tutorial', 'when-not-to-use'] },
  {
    title: 'Handle messages',
    pages: [
      'applications',
      'retries',
      'dead-letters',
      'delays',
      'workflows',
      'ordering',
      'batches',
      'idempotency',
      'inbox',
      'outbox',
      'requests',
      'routing',
      'consumers',
      'load-balancer',
      'testing',
    ],
  },
  {
    title: 'Run it',
    pages: [
      'troubleshooting',
      'groups',
      'lag',
      'observability',
      'tracing',
      'state',
      'retention',
      'rolling-deploys',
      'configuration',
      'containers',
      'bundling',
      'deployment',
      'security',
    ],
  },
  { title: 'Backends', pages: ['drivers', 'postgres', 'nats', 'kafka'] },
  {
    title: 'Extend it',
    pages: ['slots', 'writing-a-middleware', 'writing-a-driver', 'driver-contract'],
  },
  {
    title: 'Coming from',
    pages: [
      'coming-from/nest-redis',
      'coming-from/bullmq',
      'coming-from/pg-boss',
      'coming-from/xreadgroup',
      'coming-from/nest-rabbitmq',
      'coming-from/go',
      'coming-from/backstage',
      'coming-from/nest-kafka',
      'coming-from/nest-nats',
    ],
  },
  {
    title: 'Reference',
    pages: [
      'reference/decorators',
      'reference/contexts',
      'reference/results',
      'reference/services',
      'reference/modules',
      'options',
      'events',
      'errors',
      'reference/testing',
      'reference/health',
      'reference/metrics',
      'reference/postgres',
      'reference/nats',
      'reference/kafka',
      'reference/tracing',
      'redis-keys',
      'servers',
      'glossary',
    ],
  },
  { title: 'Explanations', pages: ['guarantees', 'architecture', 'performance'] },
  {
    title: 'Decisions',
    pages: readdirSync(new URL('decisions', docs))
      .sort()
      .map((file) => `decisions/${file.replace(/\.md$/, '')}`),
    collapsed: true,
  },
];

/** The heading of a page, which is its title in the index too. */
export function titleOf(page: Page): string {
  const text = readFileSync(new URL(`${page}.md`, docs), 'utf8');
  return /^# (.+)$/m.exec(text)?.[1] ?? page;
}

/** The anchor of a heading, as GitHub makes it, so that links hold on the site and in the repository. */
export const slugOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
