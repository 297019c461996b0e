import { readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import type { RepositoryCopy } from './repository-copy.js';

/** The test that the recipe writes. */
export const DRIVER_TEST = 'test/integration/file.contract.test.ts';

/** The tests that write pages and lists from the code. */
const GENERATED = ['test/unit/architecture.test.ts', 'test/unit/public-names.test.ts'];

const FOLDER = 'lib/drivers/file';
const PACKAGE = 'sample/file-driver/src';

/** "Add a driver" of CONTRIBUTING.md: the file driver becomes a driver of the library. */
export async function addDriver(copy: RepositoryCopy): Promise<void> {
  await copySources(copy);
  await copy.write(`${FOLDER}/index.ts`, INDEX);
  const rule = "  'drivers/file': { layers: ['ports', 'core'] },";
  await copy.insertBefore('test/support/check-imports.js', "  'drivers/redis': {", rule);
  const folder = "  'drivers/file': 'streams, state and dead letters in a directory',";
  await copy.insertBefore('test/support/architecture.ts', '  testing: ', folder);
  await copy.write(DRIVER_TEST, CONTRACT_TEST);
  await copy.insertBefore('package.json', '    "./package.json":', SUBPATH);
  const door = "  'nestjs-redis-streams/file': 'lib/drivers/file/index.ts',";
  const doors = 'test/support/public-names.ts';
  await copy.insertBefore(doors, "  'nestjs-redis-streams/memory': 'lib/", door);
  await copy.insertBefore('docs/glossary.md', '| `memory`', ROWS);
  await copy.format();
  await copy.test('unit', ...GENERATED, '--update');
}

/** The file driver is written for the door of drivers. In the library it imports core and ports. */
async function copySources(copy: RepositoryCopy): Promise<void> {
  const behind = await filesBehindDoor(copy);
  for (const name of await readdir(copy.path(PACKAGE))) {
    const text = await copy.read(`${PACKAGE}/${name}`);
    if (name !== 'index.ts') await copy.write(`${FOLDER}/${name}`, withoutDoor(text, behind));
  }
}

function withoutDoor(text: string, behind: ReadonlyMap<string, string>): string {
  return text.replace(
    /import (type )?\{([^}]+)\} from 'nestjs-redis-streams\/driver';/,
    (_, type = '', names: string) => importsOf(names, behind, type).join('\n'),
  );
}

function importsOf(names: string, behind: ReadonlyMap<string, string>, type: string): string[] {
  const imports = new Map<string, string[]>();
  for (const { name, given } of namesIn(names)) {
    const file = posix.relative(FOLDER, posix.join('lib', behind.get(name)!));
    imports.set(file, [...(imports.get(file) ?? []), given]);
  }
  return [...imports].map(
    ([file, given]) => `import ${type}{ ${given.join(', ')} } from '${file}';`,
  );
}

/** By exported name of `driver.ts`, the file that declares it. */
async function filesBehindDoor(copy: RepositoryCopy): Promise<Map<string, string>> {
  const door = await copy.read('lib/driver.ts');
  const lines = door.matchAll(/export (?:type )?\{([^}]+)\} from '([^']+)';/g);
  return new Map(
    [...lines].flatMap(([, names, file]) =>
      namesIn(names!).map(({ name }) => [name, file!] as const),
    ),
  );
}

function namesIn(list: string): { name: string; given: string }[] {
  const given = list.split(',').map((one) => one.trim());
  return given.filter(Boolean).map((one) => ({ name: one.replace(/^type /, ''), given: one }));
}

const INDEX = `\
export { file } from './file.driver.js';
export type { FileOptions } from './file.options.js';
`;

const ROWS = `\
| \`file\` | Makes a driver that keeps everything in a directory. |
| \`FileOptions\` | Options of \`file\`. |`;

const CONTRACT_TEST = `\
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { ManualClock } from '../../lib/drivers/memory/index.js';
import { file } from '../../lib/drivers/file/index.js';
import { driverContract } from '../../lib/testing/contracts/driver.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';

async function harness(): Promise<DriverHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'file-contract-'));
  const clock = new ManualClock();
  const factory = file({ directory, clock, sync: false });
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      factory.open({ events, keyPrefix }),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
    unique: (name) => \`\${name}-\${++names}\`,
    close: async () => rmSync(directory, { recursive: true }),
  };
}

driverContract({ describe, it }, 'file', harness);
`;

const SUBPATH = `\
    "./file": {
      "types": "./dist/drivers/file/index.d.ts",
      "default": "./dist/drivers/file/index.js"
    },`;
