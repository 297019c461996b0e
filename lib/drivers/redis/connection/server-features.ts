import type { Redis } from 'ioredis';
import type { EventBus } from '../../../core/event-bus.js';
import { isReply } from '../errors/reply-errors.js';

/**
 * Abilities that some servers have beyond Redis 7.0, the minimum. `idmp`: XADD with the option
 * IDMP. `acked`: XTRIM with the option ACKED.
 */
export type ServerFeature = 'idmp' | 'acked';

interface Denial {
  /**
   * The first version that the denial applies to, pre-releases included, and the first that it does
   * not.
   */
  readonly from: string;
  readonly before: string;
  readonly because: string;
}

interface Rule {
  readonly feature: ServerFeature;
  /**
   * A server cannot be asked for an option. It can be asked for a command that came with the
   * option.
   */
  readonly command: string;
  /**
   * A version does not tell what a fork can do. It only tells which server is known to be broken.
   */
  readonly denials: readonly Denial[];
}

const DELETES_NOTHING = 'with ~ it deletes nothing';

const RULES: readonly Rule[] = [
  {
    feature: 'acked',
    command: 'xdelex',
    denials: [
      { from: '8.1.0', before: '8.2.7', because: DELETES_NOTHING },
      { from: '8.3.0', before: '8.4.4', because: DELETES_NOTHING },
      { from: '8.5.0', before: '8.6.0', because: DELETES_NOTHING },
    ],
  },
  {
    feature: 'idmp',
    command: 'xcfgset',
    denials: [
      {
        from: '8.5.0',
        before: '8.6.2',
        because:
          'it forgets idempotency keys when the append-only file is rewritten, and never lets go of ' +
          'them after a restart',
      },
    ],
  },
];

type Finding = 'usable' | Denial;

interface Findings {
  readonly version: string;
  readonly features: Map<ServerFeature, Finding>;
}

/**
 * Knows the abilities of the server behind each client. Asks once per client, so again after each
 * reconnect.
 */
export class ServerFeatures {
  readonly #probes = new WeakMap<Redis, Promise<void>>();
  readonly #findings = new WeakMap<Redis, Findings>();
  private readonly told = new Set<string>();

  constructor(private readonly events: EventBus) {}

  /**
   * Await this before using a client. An ability that the server does not report is not used.
   * @throws where the connection breaks
   */
  probe(client: Redis): Promise<void> {
    let probe = this.#probes.get(client);
    if (!probe) {
      probe = this.ask(client);
      this.#probes.set(client, probe);
      probe.catch(() => this.#probes.delete(client));
    }
    return probe;
  }

  /**
   * Whether to use the feature. Warns of a server that has the feature and is known to have it
   * broken.
   */
  has(client: Redis, feature: ServerFeature): boolean {
    const found = this.#findings.get(client);
    const finding = found?.features.get(feature);
    if (finding === undefined || finding === 'usable') return finding === 'usable';
    this.warn(
      'SERVER_FEATURE_DENIED',
      `${feature.toUpperCase()} of server ${found?.version} is not used: ${finding.because}. ` +
        `A script does its work. Upgrade to ${finding.before} or later.`,
    );
    return false;
  }

  /**
   * Notes that the server lacks the feature after all: another server answers behind the same
   * connection.
   */
  drop(client: Redis, feature: ServerFeature): void {
    if (!this.#findings.get(client)?.features.delete(feature)) return;
    this.warn(
      'SERVER_FEATURE_MISSING',
      `The server does not have ${feature.toUpperCase()} any more, as after a failover to an older ` +
        'one. A script does its work until the next reconnect.',
    );
  }

  private async ask(client: Redis): Promise<void> {
    const [info, commands] = await Promise.all([
      answerOf(client.info('server')),
      answerOf(client.call('COMMAND', 'INFO', ...RULES.map(({ command }) => command))),
    ]);
    const version = versionIn(String(info ?? ''));
    const features = new Map<ServerFeature, Finding>();
    for (const [index, { feature, denials }] of RULES.entries()) {
      if (!Array.isArray(commands) || !commands[index] || !version) continue;
      features.set(feature, denials.find((denial) => applies(denial, version)) ?? 'usable');
    }
    this.#findings.set(client, { version, features });
  }

  private warn(code: string, message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.events.emit('warning', { code, message });
  }
}

/**
 * @returns undefined where the server refuses to answer, for example since the user lacks a right
 */
function answerOf(reply: Promise<unknown>): Promise<unknown> {
  return reply.catch((error: unknown) => {
    if (isReply(error)) return undefined;
    throw error;
  });
}

/**
 * Forks report here the version of Redis that they are compatible with, so that a denial of later
 * Redis versions does not apply to them.
 */
const versionIn = (info: string): string => /^redis_version:(\S+)/m.exec(info)?.[1] ?? '';

const applies = ({ from, before }: Denial, version: string): boolean =>
  compareVersions(version, from) >= 0 && compareVersions(version, before) < 0;

function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  const index = left.findIndex((part, at) => part !== (right[at] ?? 0));
  return index < 0 ? 0 : left[index]! - (right[index] ?? 0);
}
