import type { ReactNode } from 'react';

import { ApiError } from '../api/client';
import { useT } from '../i18n';
import { useSaid } from '../i18n/useSaid';
import { errorText, Notice, signInURL } from './parts';

const m = {
  session: { en: 'Nobody is signed in any more. What is written here is kept:', zh: '登录已失效。此处填写的内容不会丢失：' },
  signIn: { en: 'sign in in a new tab', zh: '在新标签页登录' },
  then: { en: 'and send it again.', zh: '，然后重新提交。' },
  conflict: { en: 'Somebody else was faster. The page shows what is now; look at it and do it again if it is still right.', zh: '其他人已先行修改。页面已显示最新状态；请确认后再操作。' },
  gone: { en: 'The server does not answer. Nothing is lost; try again.', zh: '服务器没有响应。内容未丢失，请重试。' },
};

/** Refused says why something was not done, beside the form that keeps what was typed. */
export function Refused({ error }: { error: unknown }): ReactNode {
  const t = useT();
  const said = useSaid();
  if (!error) return null;
  const api = error instanceof ApiError ? error : undefined;
  if (api?.unauthorized) {
    return <Notice tone="warning">{t(m.session)} <a href={signInURL()} target="_blank" rel="noreferrer">{t(m.signIn)}</a>{t(m.then)}</Notice>;
  }
  if (api?.status === 0) return <Notice tone="critical">{t(m.gone)}</Notice>;
  return (
    <Notice tone={api?.conflict ? 'warning' : 'critical'}>
      {said(errorText(error))}
      {api?.status === 412 && <div>{t(m.conflict)}</div>}
      {api?.fields.filter((f) => !api.message.includes(f.message)).map((f) => <div key={f.location + f.message} className="muted"><code>{f.location}</code> {said(f.message)}</div>)}
    </Notice>
  );
}

const hint = { en: 'Sign in to change anything here.', zh: '登录后方可操作。' };
const lacking = { en: 'Your role may look, but not change this.', zh: '您的角色只能查看，不能修改。' };

/** MayNot tells who only looks what would let them do more. */
export function MayNot({ anonymous }: { anonymous: boolean }): ReactNode {
  const t = useT();
  return anonymous ? <a href={signInURL()}>{t(hint)}</a> : <span className="muted">{t(lacking)}</span>;
}
