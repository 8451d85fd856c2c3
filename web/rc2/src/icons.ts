/** Icons that this app alone has, drawn as those of all pages: strokes of 1.5 on a grid of 16. */
export const icons = {
  chevronRight: 'M6 4l4 4-4 4',
  bug: 'M5 6.5a3 3 0 0 1 6 0v3.2a3 3 0 0 1-6 0ZM5.4 4.2 4 2.6M10.6 4.2 12 2.6M5 8H2.4M11 8h2.6M5.2 10.6l-2 1.8M10.8 10.6l2 1.8',
  database:
    'M8 2c3 0 5 .8 5 1.8v8.4c0 1-2 1.8-5 1.8s-5-.8-5-1.8V3.8C3 2.8 5 2 8 2ZM3 3.9c0 1 2 1.8 5 1.8s5-.8 5-1.8M3 8c0 1 2 1.8 5 1.8S13 9 13 8',
  bucket: 'M2.5 4h11l-1.4 9.5H3.9ZM2.5 4c0-1 2.4-1.8 5.5-1.8s5.5.8 5.5 1.8',
  spark: 'M8.8 1.8 3.6 9h4l-.6 5.2L12.4 7h-4Z',
  table: 'M2.2 3h11.6v10H2.2ZM2.2 6.4h11.6M6.4 6.4V13',
  view: 'M1.6 8C3 5.4 5.2 4 8 4s5 1.4 6.4 4C13 10.6 10.8 12 8 12S3 10.6 1.6 8ZM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z',
  screen: 'M2 3h12v8H2ZM6 14h4M8 11v3',
  undo: 'M3.5 6.5h6a3.5 3.5 0 0 1 0 7H6M6.2 3.5l-3 3 3 3',
  chart: 'M2.5 13.5h11M4 11V7.5M7 11V3.5M10 11V6M13 11V8.5',
  expand: 'M9.5 2.5h4v4M6.5 13.5h-4v-4M13.2 2.8 9.5 6.5M2.8 13.2l3.7-3.7',
  filter: 'M2 3.5h12L9.5 8.6v4.6l-3-1.6v-3Z',
  gear: 'M8 5.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4ZM8 1.8v1.7M8 12.5v1.7M1.8 8h1.7M12.5 8h1.7M3.6 3.6l1.2 1.2M11.2 11.2l1.2 1.2M12.4 3.6l-1.2 1.2M4.8 11.2l-1.2 1.2',
  keyboard: 'M1.8 4h12.4v8H1.8ZM4 6.5h.1M6.6 6.5h.1M9.3 6.5h.1M12 6.5h.1M5 9.5h6',
  panelBottom: 'M2 2.8h12v10.4H2ZM2 9.3h12',
  panelLeft: 'M2 2.8h12v10.4H2ZM6.2 2.8v10.4',
  panelRight: 'M2 2.8h12v10.4H2ZM9.8 2.8v10.4',
  save: 'M2.5 2.5h8.2l2.8 2.8v8.2h-11ZM5 2.7v3.6h5V2.7M5 13.3V9.5h6v3.8',
  terminal: 'M2 2.8h12v10.4H2ZM4.6 5.8 7 8l-2.4 2.2M8.4 10.4h3',
  window: 'M6.5 3.5h-4v10h10v-4M9 2.5h4.5V7M13.2 2.8 7.5 8.5',
} as const;
