import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);
const peers = fileURLToPath(new URL('go-peer', import.meta.url));
const samples = fileURLToPath(new URL('../../sample/docs', import.meta.url));
const MODULE = 'github.com/handcoding-labs/redis-stream-client-go';

/** What a program of the page is built with. */
export type GoClient = 'the public module' | 'a stand-in of it';

export type GoProgram =
  | { readonly binary: string; clean(): Promise<void> }
  | { readonly missing: string; clean(): Promise<void> };

/** Compiles one file of sample/docs. A toolchain or module that cannot be had is missing. */
export async function buildGoProgram(file: string, client: GoClient): Promise<GoProgram> {
  const directory = await mkdtemp(join(tmpdir(), 'streams-go-page-'));
  const clean = () => rm(directory, { recursive: true, force: true });
  const here = join(directory, 'program');
  const go = (...args: string[]) => run('go', args, { cwd: here, timeout: 280_000 });
  await mkdir(here);
  await cp(join(samples, file), join(here, 'main.go'));
  await writeFile(join(here, 'go.mod'), 'module program\n\ngo 1.22\n');
  try {
    await go('version');
  } catch {
    return { missing: 'there is no Go', clean };
  }
  try {
    if (client === 'the public module') await go('get', `${MODULE}/impl@latest`);
    else {
      await writeClient(join(directory, 'client'));
      const needed = [`require ${MODULE} v0.0.0`, `replace ${MODULE} => ../client`];
      await writeModule(here, 'program', needed);
      await go('mod', 'download');
    }
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const reason = /(\d{3} \w+|not found|no such host|timeout)/i.exec(stderr)?.[0];
    return { missing: `its modules could not be had (${reason ?? 'see go get'})`, clean };
  }
  const binary = join(here, 'peer');
  await go('build', '-o', binary, '.');
  return { binary, clean };
}

/** The names of the public module, with the stand-in behind them. */
async function writeClient(directory: string): Promise<void> {
  await cp(join(peers, 'facade'), directory, { recursive: true });
  const standIn = join(peers, 'standin');
  for (const name of await readdir(standIn)) {
    if (!name.endsWith('.go')) continue;
    const text = await readFile(join(standIn, name), 'utf8');
    await writeFile(join(directory, 'impl', name), text.replace(/^package main$/m, 'package impl'));
  }
  await writeModule(directory, MODULE);
}

/** What the stand-in needs, and more lines. */
async function writeModule(directory: string, name: string, more: string[] = []): Promise<void> {
  const text = await readFile(join(peers, 'standin', 'go.mod'), 'utf8');
  const lines = [text.replace('module standin', `module ${name}`), ...more, ''];
  await writeFile(join(directory, 'go.mod'), lines.join('\n'));
  await cp(join(peers, 'standin', 'go.sum'), join(directory, 'go.sum'));
}

/** Starts a program, and kills it when the test has finished. */
export function startGoProgram(binary: string, env: Readonly<Record<string, string>>) {
  const child = spawn(binary, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return { said, kill };
}
