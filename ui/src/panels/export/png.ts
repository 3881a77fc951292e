// A picture of a panel from its own drawing: canvases as they are, SVG and
// text drawn anew. Nothing is fetched, and no foreign content is drawn, so the
// canvas may be read.
import type { Mode } from '../../grafana/theme';
import { language, translate } from '../../i18n';
import { tokens } from '../tokens';

const m = {
  canvas: { en: 'this browser gives no canvas', zh: '浏览器未提供画布' },
  picture: { en: 'the browser made no picture of the panel', zh: '浏览器未能生成面板图片' },
};

/** pngOf draws the element of a panel. It fails with a reason where the browser gives no picture. */
export async function pngOf(panel: HTMLElement, mode: Mode, scale = 2): Promise<Blob> {
  const box = panel.getBoundingClientRect();
  const canvas = document.createElement('canvas');
  canvas.width = Math.min(8192, Math.max(1, Math.round(box.width * scale)));
  canvas.height = Math.min(8192, Math.max(1, Math.round(box.height * scale)));
  const ctx = canvas.getContext('2d');
  if (!ctx) throw new Error(translate(language(), m.canvas));
  ctx.scale(canvas.width / box.width, canvas.height / box.height);
  ctx.fillStyle = tokens[mode].surface;
  ctx.fillRect(0, 0, box.width, box.height);
  await paint(ctx, panel, box);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error(translate(language(), m.picture)))), 'image/png'));
}

async function paint(ctx: CanvasRenderingContext2D, el: Element, origin: DOMRect): Promise<void> {
  const style = getComputedStyle(el);
  if (style.display === 'none' || style.visibility === 'hidden' || ['panel-tip', 'sr-only', 'dash-more', 'panel-info'].some((c) => el.classList.contains(c))) return;
  const r = el.getBoundingClientRect();
  const x = r.left - origin.left;
  const y = r.top - origin.top;
  if (el instanceof HTMLCanvasElement) {
    if (el.width > 0 && el.height > 0) ctx.drawImage(el, x, y, r.width, r.height);
    return;
  }
  if (el instanceof SVGSVGElement) {
    await paintSVG(ctx, el, x, y, r);
    return;
  }
  if (style.backgroundColor !== 'rgba(0, 0, 0, 0)' && r.width > 0) {
    ctx.fillStyle = style.backgroundColor;
    ctx.fillRect(x, y, r.width, r.height);
  } else if (style.backgroundImage.startsWith('linear-gradient')) {
    const colors = style.backgroundImage.match(/rgba?\([^)]*\)/g) ?? [];
    const g = style.backgroundImage.includes('to top') ? ctx.createLinearGradient(0, y + r.height, 0, y) : ctx.createLinearGradient(x, y, x + r.width, y);
    colors.forEach((c, i) => g.addColorStop(colors.length > 1 ? i / (colors.length - 1) : 0, c));
    ctx.fillStyle = g;
    ctx.fillRect(x, y, r.width, r.height);
  }
  const clips = style.overflow !== 'visible';
  if (clips) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, r.width, r.height);
    ctx.clip();
  }
  for (const child of el.childNodes) {
    if (child instanceof Element) await paint(ctx, child, origin);
    else if (child instanceof Text && child.data.trim() !== '') paintText(ctx, child, style, origin);
  }
  if (clips) ctx.restore();
}

function paintText(ctx: CanvasRenderingContext2D, node: Text, style: CSSStyleDeclaration, origin: DOMRect): void {
  const range = document.createRange();
  range.selectNodeContents(node);
  const rects = [...range.getClientRects()];
  ctx.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  ctx.fillStyle = style.color;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  if (rects.length === 1) {
    const r = rects[0]!;
    ctx.fillText(node.data.replace(/\s+/g, ' '), r.left - origin.left, r.top - origin.top + r.height / 2);
    return;
  }
  // Of text that wraps, the words are drawn where they stand.
  for (const word of node.data.matchAll(/\S+/g)) {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const r = range.getBoundingClientRect();
    ctx.fillText(word[0], r.left - origin.left, r.top - origin.top + r.height / 2);
  }
}

const kept = ['fill', 'stroke', 'stroke-width', 'stroke-linecap', 'stroke-linejoin', 'font-size', 'font-family', 'font-weight', 'text-anchor', 'opacity'];

async function paintSVG(ctx: CanvasRenderingContext2D, svg: SVGSVGElement, x: number, y: number, r: DOMRect): Promise<void> {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll('*')];
  const to = [copy, ...copy.querySelectorAll('*')];
  from.forEach((el, i) => {
    const style = getComputedStyle(el);
    for (const name of kept) to[i]!.setAttribute(name, style.getPropertyValue(name));
    to[i]!.removeAttribute('style');
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(r.width));
  copy.setAttribute('height', String(r.height));
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  ctx.drawImage(image, x, y, r.width, r.height);
}
