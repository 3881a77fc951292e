// Stands in for the cleaning of HTML and addresses in @grafana/data, whose two
// libraries are as large as half of the console's model. Nothing here lets HTML
// through: what shows HTML cleans it itself, and takes the text without this.
import { safeUrl } from '../model/read-link';

const escapeHtml = (s: unknown): string => String(s).replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]!);

export const sanitize = escapeHtml;
export const sanitizeTextPanelContent = escapeHtml;
export const sanitizeUrl = (url: string): string => (safeUrl(url) ? url : 'about:blank');

export class PathValidationError extends Error {
  constructor(message = 'Invalid request path') {
    super(message);
    this.name = 'PathValidationError';
  }
}

/** validatePath refuses a path that leads upwards, however often it is encoded. */
export function validatePath(of: string): string {
  try {
    let decoded = of;
    for (let next = decodeURIComponent(decoded); next !== decoded; next = decodeURIComponent(decoded)) decoded = next;
    if (!/\.\.|\/\\|[\t\n\r]/.test(decoded)) return of;
  } catch {
    throw new PathValidationError('Error validating request path'); // no valid encoding
  }
  throw new PathValidationError();
}

export const textUtil = {
  escapeHtml, sanitize, sanitizeTextPanelContent, sanitizeUrl, sanitizeSVGContent: escapeHtml, sanitizeTrustedTypes: escapeHtml, sanitizeTrustedTypesRSS: escapeHtml,
  hasAnsiCodes: (s: string): boolean => s.includes('\u001b['),
};
