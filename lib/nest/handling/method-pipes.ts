import { ValidationPipe, type Type } from '@nestjs/common';
import { PIPES_METADATA } from '@nestjs/common/constants.js';
import type { DeclaredParam, Method, MethodParams, Pipe } from './method-metadata.js';

/**
 * Hands the pipes of a method to its parameters, where they run in the same order. So they are not
 * asked about ours. Only ready instances: a class may be request-scoped, which Nest supports for
 * methods alone.
 */
export function adoptMethodPipes(
  params: MethodParams,
  method: Method,
  isOurs: (param: DeclaredParam) => boolean,
): void {
  const pipes = pipesOf(method);
  if (pipes.length === 0 || pipes.some((pipe) => typeof pipe === 'function')) return;
  params.change((param) =>
    isOurs(param) ? param : { ...param, pipes: [...pipes, ...(param.pipes ?? [])] },
  );
  Reflect.defineMetadata(PIPES_METADATA, [], method);
}

/** Whether pipes of the method or its class may judge values without looking at their type. */
export function hasBlindPipes(target: object, method: Method): boolean {
  return [...pipesOf(method), ...pipesOf(target.constructor)].some((pipe) => {
    const type = (typeof pipe === 'function' ? pipe : pipe.constructor) as Type;
    // Nest's own leaves parameters alone that are neither body, query nor param.
    return type !== ValidationPipe && !(type.prototype instanceof ValidationPipe);
  });
}

const pipesOf = (decorated: object): readonly Pipe[] =>
  (Reflect.getMetadata(PIPES_METADATA, decorated) as readonly Pipe[] | undefined) ?? [];
