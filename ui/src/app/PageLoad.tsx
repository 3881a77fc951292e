import { Button } from '@mantine/core';
import { type ComponentType, type FunctionComponent, type ReactNode, useEffect, useReducer, useState } from 'react';

import { useT } from '../i18n';
import { Notice } from '../ui/parts';
import { isLoss, type Loader, loader, type Loss, recover } from './load';

const m = {
  silent: { en: 'The server does not answer. This page opens by itself when it is back.', zh: '服务器没有响应。恢复后此页面会自动打开。' },
  gone: { en: 'The server answers, but a part of this page is not there.', zh: '服务器有响应，但缺少此页面的一部分。' },
  again: { en: 'Try again', zh: '重试' },
};

/** How often the server is asked whether it is back, in milliseconds. */
const pause = 2000;

/** lazyPage is a component in a module of its own. Where that cannot be loaded, the frame stays and says so, instead of the browser's own page. */
export function lazyPage<P extends object>(get: () => Promise<unknown>, name: string): FunctionComponent<P> & { preload: () => Promise<void> } {
  const module = loader(async () => (await get() as Record<string, ComponentType<P>>)[name]!);
  const Lazy = (props: P): ReactNode => {
    const [, loaded] = useReducer((n: number) => n + 1, 0);
    if (module.value) return <module.value {...props} />;
    if (module.error === undefined) throw module.load();
    if (!isLoss(module.error)) throw module.error;
    return <Waiting module={module} done={loaded} />;
  };
  return Object.assign(Lazy, { preload: module.load });
}

/** Lost is what stands for a part of a page that could not be loaded: it cannot be asked for again by itself, so the whole page is. */
export function Lost({ error }: { error: unknown }): ReactNode {
  const [module] = useState<Loader<unknown>>({ value: undefined, error, load: async () => {} });
  return <Waiting module={module} done={() => {}} />;
}

/** Waiting waits for the server, and says that it does. */
function Waiting({ module, done }: { module: Loader<unknown>; done: () => void }): ReactNode {
  const t = useT();
  const [loss, setLoss] = useState<Loss>();
  const [tried, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    let left = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    void recover(module).then((found) => {
      if (left) return;
      setLoss(found);
      if (found === undefined) done();
      // What the server does not have is not asked for again by itself.
      else if (found === 'silent') timer = setTimeout(again, pause);
    });
    return () => { left = true; clearTimeout(timer); };
  }, [module, tried]);
  if (!loss) return null;
  return <Notice tone="critical">{t(m[loss])} <Button variant="default" onClick={again}>{t(m.again)}</Button></Notice>;
}
