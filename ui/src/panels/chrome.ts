import type { Message } from '../i18n';

// The texts of a panel's frame.
export const frameTexts = {
  loading: { en: 'Loading', zh: '正在加载' },
  refreshing: { en: 'Refreshing', zh: '正在刷新' },
  empty: { en: 'No data in this range', zh: '该时间范围内没有数据' },
  unasked: { en: 'Write a query', zh: '请编写查询' },
  unaskedHint: { en: 'This panel has none yet. Edit it to say what it shows.', zh: '此面板还没有查询。编辑面板以指定要显示的内容。' },
  emptyHint: { en: 'The queries succeeded and returned no series. Widen the range, or check the selectors and variables.', zh: '查询成功，但没有返回任何序列。请扩大时间范围，或检查选择器和变量。' },
  failed: { en: 'The query failed', zh: '查询失败' },
  notDrawn: { en: 'This panel could not be drawn', zh: '无法绘制该面板' },
  again: { en: 'Try again', zh: '重试' },
  warnings: { en: '{n} warnings', zh: '{n} 条警告' },
  description: { en: 'About this panel', zh: '面板说明' },
  links: { en: 'Links', zh: '链接' },
  panel: { en: 'Panel {id}', zh: '面板 {id}' },
  stale: { en: 'The last refresh failed; what is shown is older: {error}', zh: '最近一次刷新失败，显示的是旧数据：{error}' },
} satisfies Record<string, Message>;
