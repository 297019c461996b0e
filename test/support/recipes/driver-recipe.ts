import { posix } from 'node:path';
import type { RepositoryCopy } from './repository-copy.js';

/** The test that the recipe writes. */
export const DRIVER_TEST = 'test/integration/teaching.contract.test.ts';

/** The tests that write pages and lists from the code. */
const GENERATED = ['test/unit/architecture.test.ts', 'test/unit/public-names.test.ts'];

const FOLDER = 'lib/drivers/teaching';

/** "Add a driver" of CONTRIBUTING.md: the teaching driver becomes a driver of the library. */
export async function addDriver(copy: RepositoryCopy): Promise<void> {
  await copy.write(`${FOLDER}/teaching.driver.ts`, await teachingDriver(copy));
  await copy.write(`${FOLDER}/index.ts`, "export { teaching } from './teaching.driver.js';\n");
  const rule = "  'drivers/teaching': { layers: ['ports', 'core'] },";
  await copy.insertBefore('test/support/check-imports.js', "  'drivers/redis': {", rule);
  const folder =
    "  'drivers/teaching': 'streams in this process, by as little as a driver may be',";
  await copy.insertBefore('test/support/architecture.ts', '  testing: ', folder);
  await copy.write(DRIVER_TEST, CONTRACT_TEST);
  await copy.insertBefore('package.json', '    "./package.json":', SUBPATH);
  const door = "  'nestjs-redis-streams/teaching': 'lib/drivers/teaching/index.ts',";
  const doors = 'test/support/public-names.ts';
  await copy.insertBefore(doors, "  'nestjs-redis-streams/memory': 'lib/", door);
  const row = '| `teaching` | Streams in this process, by as little as a driver may be. |';
  await copy.insertBefore('docs/glossary.md', '| `memory`', row);
  await copy.format();
  await copy.test('unit', ...GENERATED, '--update');
}

/** The teaching driver is written for the door of drivers. In the library it imports core and ports. */
async function teachingDriver(copy: RepositoryCopy): Promise<string> {
  const text = await copy.read('test/contracts/teaching.driver.ts');
  const files = await filesBehindDoor(copy);
  const door = /import \{([^}]+)\} from 'nestjs-redis-streams\/driver';/;
  const names = door.exec(text)?.[1];
  if (!names) throw new Error('The teaching driver imports nothing from the door of drivers.');
  const imports = new Map<string, string[]>();
  for (const { name, given } of namesIn(names)) {
    const file = posix.relative(FOLDER, posix.join('lib', files.get(name)!));
    imports.set(file, [...(imports.get(file) ?? []), given]);
  }
  const lines = [...imports].map(
    ([file, given]) => `import { ${given.join(', ')} } from '${file}';`,
  );
  return text.replace(door, lines.join('\n'));
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

const CONTRACT_TEST = `\
import { describe, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { ManualClock } from '../../lib/drivers/memory/index.js';
import { teaching } from '../../lib/drivers/teaching/index.js';
import { driverContract } from '../../lib/testing/contracts/driver.contract.js';
import type { DriverHarness } from '../../lib/testing/world/driver-harness.js';

async function harness(): Promise<DriverHarness> {
  const clock = new ManualClock();
  const factory = teaching(clock);
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      factory.open({ events, keyPrefix }),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.now(),
    unique: (name) => \`\${name}-\${++names}\`,
    countsAttempts: true,
    close: async () => undefined,
  };
}

driverContract({ describe, it }, 'teaching', harness);
`;

const SUBPATH = `\
    "./teaching": {
      "types": "./dist/drivers/teaching/index.d.ts",
      "default": "./dist/drivers/teaching/index.js"
    },`;
