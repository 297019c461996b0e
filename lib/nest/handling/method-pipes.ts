import { ValidationPipe, type PipeTransform, type Type } from '@nestjs/common';
import { PIPES_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { DeclaredParam, Params } from './method-metadata.js';

type Pipe = PipeTransform | Type<PipeTransform>;

/**
 * Hands the pipes of a method to each of its parameters, where they run in the same order. So they
 * do not see the parameter that is hidden. Only ready instances: a class may be request-scoped,
 * which Nest supports for methods alone.
 */
export function adoptMethodPipes(
  target: object,
  key: string | symbol,
  method: object,
  isHidden: (param: DeclaredParam) => boolean,
): void {
  const pipes = pipesOf(method);
  if (pipes.length === 0 || pipes.some((pipe) => typeof pipe === 'function')) return;
  const params = Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, key) as Params;
  const adopted = Object.entries(params).map(([name, param]) => [
    name,
    isHidden(param) ? param : { ...param, pipes: [...pipes, ...(param.pipes ?? [])] },
  ]);
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, Object.fromEntries(adopted), target.constructor, key);
  Reflect.defineMetadata(PIPES_METADATA, [], method);
}

/** Whether pipes of the method or its class may judge values without looking at their type. */
export function hasBlindPipes(target: object, method: object): boolean {
  return [...pipesOf(method), ...pipesOf(target.constructor)].some((pipe) => {
    const type = (typeof pipe === 'function' ? pipe : pipe.constructor) as Type;
    // Nest's own leaves parameters alone that are neither body, query nor param.
    return type !== ValidationPipe && !(type.prototype instanceof ValidationPipe);
  });
}

const pipesOf = (decorated: object): readonly Pipe[] =>
  (Reflect.getMetadata(PIPES_METADATA, decorated) as readonly Pipe[] | undefined) ?? [];
