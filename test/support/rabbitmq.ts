import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { RABBITMQ_SERVER } from './ensure-rabbitmq.js';
import { freePort } from './free-port.js';
import { guard } from './redis-process.js';
import { giveAway, unprivileged } from './unprivileged.js';
import { until } from './until.js';

export interface RabbitMq {
  readonly url: string;
  stop(): Promise<void>;
}

/** Why there is no broker; undefined where there is one. */
export const missingRabbitMq = (): string | undefined =>
  existsSync(RABBITMQ_SERVER)
    ? undefined
    : 'there is no rabbitmq-server: apt-get install rabbitmq-server';

/**
 * A private broker on loopback, with node name, ports, data and log of its own. It ends with this
 * process, however this one ends.
 */
export async function startRabbitMq(): Promise<RabbitMq> {
  const dir = await mkdtemp(join(tmpdir(), 'streams-rabbitmq-'));
  const port = await freePort();
  const env = await environment(dir, port);
  const ends = [started('epmd', env), started(RABBITMQ_SERVER, env, dir)];
  const stop = async (): Promise<void> => {
    for (const { end } of ends.toReversed()) await end();
    await rm(dir, { recursive: true, force: true });
  };
  const log = () => readFile(env.RABBITMQ_LOGS, 'utf8');
  const url = `amqp://127.0.0.1:${port}`;
  try {
    const isUp = async () => (await log()).includes('startup complete');
    await until('the broker has started', isUp, 60_000, async () => (await log()).slice(-500));
    await (await connect(url)).close();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

async function environment(dir: string, port: number) {
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    // The script becomes the broker, instead of starting one that outlives it.
    RUNNING_UNDER_SYSTEMD: 'true',
    // Erlang's name service. The broker would start one that outlives it.
    ERL_EPMD_PORT: String(await freePort()),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `streams-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: dir,
    RABBITMQ_LOGS: join(dir, 'broker.log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(dir, 'none'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}',
  };
  await mkdir(env.RABBITMQ_MNESIA_BASE);
  await writeFile(env.RABBITMQ_LOGS, '');
  giveAway(dir);
  return env;
}

function started(program: string, env: NodeJS.ProcessEnv, dir?: string) {
  const options = { cwd: env['HOME'], env, detached: true, ...unprivileged() };
  const child = spawn(program, { ...options, stdio: 'ignore' });
  const watcher = guard(child, dir);
  child.unref();
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  void ended.then(() => watcher.kill());
  return {
    end(): Promise<void> {
      child.kill('SIGKILL'); // its data is thrown away
      return ended;
    },
  };
}
