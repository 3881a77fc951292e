import '@mantine/core/styles.layer.css';
import 'uplot/dist/uPlot.min.css';
import './app/style.css';

import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { ApiError, onExpired } from './api/client';
import { styleNonce } from './app/base';
import { router } from './app/router';
import { theme } from './app/theme';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // Stale data is shown until fresh data is there; a refusal will not change by itself.
      staleTime: 1000,
      retry: (n, error) => n < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 502),
      refetchOnWindowFocus: true,
      placeholderData: (old: unknown) => old,
    },
  },
});

onExpired(() => void queries.invalidateQueries({ queryKey: ['me'] }));

// What keeps the page from scrolling below a dialog adds a style element, and takes its nonce from here.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = styleNonce();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={styleNonce}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
