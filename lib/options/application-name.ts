import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/**
 * The name in the package.json nearest to the main module. Undefined where there is none, and where the
 * main module is a program from node_modules, which starts many applications.
 */
export function applicationName(main: string | undefined = process.argv[1]): string | undefined {
  try {
    if (main === undefined) return undefined;
    const file = realpathSync(main);
    if (file.split(sep).includes('node_modules')) return undefined;
    return nearestName(dirname(file));
  } catch {
    return undefined;
  }
}

function nearestName(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const name = nameIn(join(at, 'package.json'));
    if (name !== undefined) return name;
    if (dirname(at) === at) return undefined;
  }
}

/** Skips a package.json without a name: such a file only says how Node reads its folder. */
function nameIn(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
