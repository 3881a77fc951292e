import { createTheme, type MantineColorsTuple } from '@mantine/core';

// Pitch green, from its lightest to its darkest.
const pitch: MantineColorsTuple = ['#e6f7f0', '#c8ecdc', '#9fdfc3', '#6fd0a7', '#45c08c', '#1fa971', '#178f5f', '#0b7a4b', '#07633c', '#044a2d'];

// Greys of the dark theme: text to page.
const dark: MantineColorsTuple = ['#e6e9eb', '#c4cbd0', '#98a2aa', '#6d7780', '#3a4249', '#2f363c', '#262c31', '#171b1f', '#0f1214', '#0a0c0e'];

export const theme = createTheme({
  primaryColor: 'pitch',
  primaryShade: { light: 7, dark: 5 },
  colors: { pitch, dark },
  autoContrast: true,
  luminanceThreshold: 0.26,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '15px', xl: '20px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '3px', sm: '4px', md: '6px', lg: '6px', xl: '6px' },
  defaultRadius: 'md',
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '20px' }, h2: { fontSize: '15px' }, h3: { fontSize: '13px' } } },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'xs', variant: 'filled' } },
    TextInput: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    PasswordInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs', comboboxProps: { transitionProps: { duration: 80 } } } },
    MultiSelect: { defaultProps: { size: 'xs' } },
    TagsInput: { defaultProps: { size: 'xs' } },
    SegmentedControl: { defaultProps: { size: 'xs' } },
    Checkbox: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    Modal: { defaultProps: { transitionProps: { duration: 100 } } },
    Drawer: { defaultProps: { transitionProps: { duration: 100 } } },
    Menu: { defaultProps: { transitionProps: { duration: 80 } } },
    Tooltip: { defaultProps: { openDelay: 200, transitionProps: { duration: 80 } } },
  },
});

/** Ten colours of series that stay apart for colour-blind eyes, on both themes. */
export const seriesColors = ['#3f8fd6', '#e08a2c', '#2fa58a', '#c76bb0', '#b59a1c', '#7a86d8', '#d65f5f', '#5fa83a', '#9a7b63', '#7c8a97'];
