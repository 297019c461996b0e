import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { LeakSearch } from './leak-search.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The files behind the subpaths of the package: each exports names and nothing else. */
export const DOORS = {
  'nestjs-redis-streams': 'lib/index.ts',
  'nestjs-redis-streams/core': 'lib/core.ts',
  'nestjs-redis-streams/driver': 'lib/driver.ts',
  'nestjs-redis-streams/testing': 'lib/testing.ts',
  'nestjs-redis-streams/config': 'lib/config.ts',
  'nestjs-redis-streams/health': 'lib/health.ts',
  'nestjs-redis-streams/memory': 'lib/drivers/memory/index.ts',
  'nestjs-redis-streams/kafka': 'lib/kafka.ts',
  'nestjs-redis-streams/kafka-postgres': 'lib/kafka-postgres.ts',
  'nestjs-redis-streams/metrics': 'lib/metrics.ts',
  'nestjs-redis-streams/nats': 'lib/nats.ts',
  'nestjs-redis-streams/nats-redis': 'lib/nats-redis.ts',
  'nestjs-redis-streams/postgres': 'lib/postgres.ts',
  'nestjs-redis-streams/tracing': 'lib/tracing.ts',
} as const;

export type Door = keyof typeof DOORS;

/** Doors that an application which uses another door may import types from, too. */
const SHARED: readonly Door[] = ['nestjs-redis-streams/core', 'nestjs-redis-streams/driver'];

/** The public side of the library, as the compiler sees it. Built once: it takes a second or two. */
export class PublicNames {
  readonly checker: ts.TypeChecker;
  private readonly exported = new Map<Door, ReadonlyMap<string, ts.Symbol>>();

  constructor() {
    const config = ts.getParsedCommandLineOfConfigFile(`${ROOT}tsconfig.json`, {}, HOST)!;
    const program = ts.createProgram(
      Object.values(DOORS).map((file) => ROOT + file),
      { ...config.options, noErrorTruncation: true },
    );
    this.checker = program.getTypeChecker();
    for (const [door, file] of Object.entries(DOORS) as [Door, string][]) {
      const module = this.checker.getSymbolAtLocation(program.getSourceFile(ROOT + file)!)!;
      const symbols = this.checker.getExportsOfModule(module);
      this.exported.set(door, new Map(symbols.map((symbol) => [symbol.name, this.origin(symbol)])));
    }
  }

  /** What a door exports, sorted. */
  of(door: Door): string[] {
    return [...this.exported.get(door)!.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /** What stands behind a name. Undefined where no door exports it. */
  symbolOf(name: string): ts.Symbol | undefined {
    for (const names of this.exported.values()) if (names.has(name)) return names.get(name);
    return undefined;
  }

  /** Types of ours that public signatures of a door name, and that no door for it exports. */
  leaks(door: Door): string[] {
    const symbols = [door, ...SHARED].flatMap((one) => [...this.exported.get(one)!.values()]);
    const search = new LeakSearch(this.checker, new Set(symbols));
    for (const [name, symbol] of this.exported.get(door)!) search.follow(name, symbol);
    return search.found;
  }

  private origin(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }
}

const HOST: ts.ParseConfigFileHost = {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
    throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
  },
};
