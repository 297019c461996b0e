import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const execute = promisify(execFile);

/** What lint, types and tests of the copy read. `node_modules` is a link to this repository's own. */
const COPIED = [
  ...[
    'lib',
    'test',
    'sample/file-driver',
    'docs',
    'README.md',
    'CONTRIBUTING.md',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
  ],
  ...['.oxlintrc.json', '.prettierrc', '.prettierignore'],
];

/** A copy of this repository in a temporary folder, which a recipe of CONTRIBUTING.md changes. */
export class RepositoryCopy {
  private readonly changed = new Set<string>();

  private constructor(private readonly dir: string) {}

  static async make(): Promise<RepositoryCopy> {
    const dir = await mkdtemp(join(tmpdir(), 'streams-recipe-'));
    await Promise.all(
      COPIED.map((name) => cp(join(root, name), join(dir, name), { recursive: true })),
    );
    await symlink(join(root, 'node_modules'), join(dir, 'node_modules'), 'junction');
    return new RepositoryCopy(dir);
  }

  /** Where a file or folder of the copy is. */
  path(name: string): string {
    return join(this.dir, name);
  }

  read(path: string): Promise<string> {
    return readFile(join(this.dir, path), 'utf8');
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.dir, path)), { recursive: true });
    await writeFile(join(this.dir, path), text);
    this.changed.add(path);
  }

  /**
   * Inserts lines before the line that begins with `anchor`.
   * @throws Error if not exactly one line of the file begins with it, or CONTRIBUTING.md does not name the file
   */
  async insertBefore(path: string, anchor: string, lines: string): Promise<void> {
    if (!(await this.read('CONTRIBUTING.md')).includes(path)) {
      throw new Error(`CONTRIBUTING.md does not name ${path}, which its recipe changes.`);
    }
    const text = (await this.read(path)).split('\n');
    const found = text.flatMap((line, index) => (line.startsWith(anchor) ? [index] : []));
    if (found.length !== 1) {
      throw new Error(
        `${found.length} lines of ${path} begin with "${anchor}"; the recipe needs one. ` +
          'Correct the recipe in CONTRIBUTING.md, and its script in test/support/recipes/.',
      );
    }
    text.splice(found[0]!, 0, lines);
    await this.write(path, text.join('\n'));
  }

  /** Formats the files that the recipe has changed, as `npm run format` does. */
  async format(): Promise<void> {
    await this.run('prettier/bin/prettier.cjs', '--write', ...this.changed);
  }

  /** As `npm run lint`, of the files that the recipe has changed; the import rules of all files. */
  async lint(): Promise<void> {
    const sources = [...this.changed].filter((path) => /\.[jt]s$/.test(path));
    await this.run('oxlint/bin/oxlint', '--type-aware', ...sources);
    await this.node('test/support/check-imports.js');
    await this.run('prettier/bin/prettier.cjs', '--check', ...this.changed);
  }

  /** Checks the types of `lib` and of the changed tests, against what `lib` now declares. */
  async typecheck(): Promise<void> {
    const include = ['lib', ...[...this.changed].filter((path) => path.startsWith('test/'))];
    const config = { extends: './tsconfig.json', include };
    await writeFile(join(this.dir, 'tsconfig.recipe.json'), JSON.stringify(config));
    await this.run('typescript/bin/tsc', '-p', 'tsconfig.recipe.json');
  }

  /** Runs test files of a project. `--update` as last argument writes generated pages. */
  async test(project: string, ...args: string[]): Promise<void> {
    await this.run('vitest/vitest.mjs', 'run', '--project', project, ...args);
  }

  remove(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }

  private run(tool: string, ...args: string[]): Promise<void> {
    return this.node(join('node_modules', tool), ...args);
  }

  private async node(script: string, ...args: string[]): Promise<void> {
    // The runner of this test leaves variables that would tell the copy's runner it is a worker.
    const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|TINYPOOL)/.test(name));
    const env = { ...Object.fromEntries(kept), NO_COLOR: '1' };
    try {
      await execute(process.execPath, [script, ...args], { cwd: this.dir, env, maxBuffer: 1e8 });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${script} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, {
        cause: error,
      });
    }
  }
}
