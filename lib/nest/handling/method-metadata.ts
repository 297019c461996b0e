import { createParamDecorator, type PipeTransform, type Type } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  PARAMTYPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { RpcParamtype } from '@nestjs/microservices/enums/rpc-paramtype.enum.js';

export type Method = (this: unknown, ...args: unknown[]) => unknown;
export type Pipe = PipeTransform | Type<PipeTransform>;
/** Makes the value of a parameter of one's own. */
export type ParamFactory = Parameters<typeof createParamDecorator>[0];

/** A parameter as Nest keeps it for a method. */
export interface DeclaredParam {
  readonly index: number;
  readonly data?: unknown;
  readonly factory?: ParamFactory;
  readonly pipes?: readonly Pipe[];
}

/** The decorated parameters of a method, by Nest's names for them. */
export class MethodParams {
  constructor(
    private readonly target: object,
    private readonly key: string | symbol,
  ) {}

  get all(): readonly DeclaredParam[] {
    return Object.values(this.byName);
  }

  /** How many parameters the method has, those with defaults and without decorators included. */
  count(method: Method): number {
    const { target, key } = this;
    const types = Reflect.getMetadata(PARAMTYPES_METADATA, target, key) as unknown[] | undefined;
    const declared = this.all.map(({ index }) => index + 1);
    return Math.max(method.length, types?.length ?? 0, ...declared);
  }

  /** The first parameter that is decorated as `type`. */
  find(type: RpcParamtype): DeclaredParam | undefined {
    return Object.entries(this.byName).find(([name]) => name.startsWith(`${type}:`))?.[1];
  }

  /** Sets the parameter at this index to what the factory makes. */
  set(index: number, factory: ParamFactory, pipes: readonly Pipe[] = []): void {
    this.change((param) => (param.index === index ? undefined : param));
    createParamDecorator(factory)(undefined, ...pipes)(this.target, this.key, index);
  }

  /** Changes each parameter; those that become undefined are removed. */
  change(change: (param: DeclaredParam) => DeclaredParam | undefined): void {
    const changed = Object.entries(this.byName)
      .map(([name, param]) => [name, change(param)] as const)
      .filter(([, param]) => param !== undefined);
    const { target, key } = this;
    Reflect.defineMetadata(
      ROUTE_ARGS_METADATA,
      Object.fromEntries(changed),
      target.constructor,
      key,
    );
  }

  private get byName(): Readonly<Record<string, DeclaredParam>> {
    const { target, key } = this;
    const params: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, key);
    return (params ?? {}) as Readonly<Record<string, DeclaredParam>>;
  }
}

/** Makes one function look like the other: by name, by length, and by what decorators left on it. */
export function imitate(original: Method, replacement: Method): Method {
  Object.defineProperty(replacement, 'name', { value: original.name, configurable: true });
  Object.defineProperty(replacement, 'length', { value: original.length, configurable: true });
  for (const key of Reflect.getOwnMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), replacement);
  }
  return replacement;
}

/** Of a method's filters Nest asks the last one first. */
export function askFirst(filter: object, method: Method): void {
  const filters = Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, method) as readonly object[];
  const others = filters.filter((candidate) => candidate !== filter);
  Reflect.defineMetadata(EXCEPTION_FILTERS_METADATA, [...others, filter], method);
}
