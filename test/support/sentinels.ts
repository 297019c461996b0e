import { Redis } from 'ioredis';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import { startRedis, type RedisServer } from './redis-server.js';
import { secret } from './secrets.js';
import { until } from './until.js';

export const MASTER = 'the-master';
/** Without an answer for so long a master is down, ms. */
export const DOWN_AFTER = 500;
/** Who may do everything at the sentinels: they themselves, and the test. */
const WATCHER = { username: 'watcher', password: secret('watcher') };
/** Who may do no more than docs/security.md says. */
const APP = { sentinelUsername: 'app', sentinelPassword: secret('sentinel') };
const RIGHTS = '-@all +sentinel|get-master-addr-by-name +sentinel|sentinels +client|setname';
const DATA = [
  '--masterauth',
  secret('data'),
  '--requirepass',
  secret('data'),
  '--repl-diskless-sync-delay',
  '0',
];

/** One master, two replicas and three sentinels, which all ask for passwords. */
export class Sentinels {
  private constructor(
    readonly servers: readonly RedisServer[],
    private readonly sentinels: readonly RedisServer[],
    private readonly eye: Redis,
  ) {}

  static async start(): Promise<Sentinels> {
    const master = await startRedis({ args: DATA });
    const replicaOf = ['--replicaof', `127.0.0.1 ${master.port}`];
    const replicas = await Promise.all(
      [1, 2].map(() => startRedis({ args: [...DATA, ...replicaOf] })),
    );
    const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(master.port)));
    const eye = new Redis(sentinels[0]!.port, WATCHER);
    const all = new Sentinels([master, ...replicas], sentinels, eye);
    await all.complete();
    return all;
  }

  /** How a driver finds the master. */
  get options(): RedisOptions {
    const addresses = this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
    return { sentinels: addresses, name: MASTER, password: secret('data'), ...APP };
  }

  /** The server that the sentinels call the master now. */
  async master(): Promise<RedisServer> {
    const [, port] = (await this.eye.call(
      'SENTINEL',
      'GET-MASTER-ADDR-BY-NAME',
      MASTER,
    )) as string[];
    return this.servers.find((server) => server.port === Number(port))!;
  }

  /** A client of that server. */
  async toMaster(): Promise<Redis> {
    const { port } = await this.master();
    return new Redis(port, { password: secret('data') });
  }

  async failOver(): Promise<void> {
    const before = await this.master();
    await until('the sentinels agree to fail over', () =>
      this.eye.call('SENTINEL', 'FAILOVER', MASTER).then(
        () => true,
        () => false,
      ),
    );
    await until('there is another master', async () => (await this.master()) !== before);
  }

  /** Waits until both replicas follow the master, and all sentinels know each other. */
  private async complete(): Promise<void> {
    await until('master, replicas and sentinels know each other', async () => {
      const pairs = (await this.eye.call('SENTINEL', 'MASTER', MASTER)) as string[];
      const of = (name: string) => pairs[pairs.indexOf(name) + 1];
      if (of('num-other-sentinels') !== '2' || of('flags') !== 'master') return false;
      const client = await this.toMaster();
      const replication = await client.info('replication').catch(() => '');
      client.disconnect();
      return (replication.match(/state=online/g) ?? []).length === 2;
    });
  }

  /**
   * Makes a server that was master a replica of the present one. The sentinels do so too, some ten
   * seconds later.
   */
  async rejoin(server: RedisServer): Promise<void> {
    const client = new Redis(server.port, { password: secret('data') });
    await client.replicaof('127.0.0.1', (await this.master()).port);
    client.disconnect();
    await this.complete();
  }

  async stop(): Promise<void> {
    this.eye.disconnect();
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }
}

function startSentinel(masterPort: number): Promise<RedisServer> {
  const { username, password } = WATCHER;
  const config = [
    `user ${username} on >${password} ~* &* +@all`,
    `user ${APP.sentinelUsername} on >${APP.sentinelPassword} ${RIGHTS}`,
    `sentinel sentinel-user ${username}`,
    `sentinel sentinel-pass ${password}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`,
    `sentinel auth-pass ${MASTER} ${secret('data')}`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER}`,
    `sentinel failover-timeout ${MASTER} 1500`,
    '',
  ];
  return startRedis({ config: config.join('\n'), args: ['--sentinel'] });
}
