'use strict';

const socket = new URL('/graphql/ws', location.href);
socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

// Subscriptions (graphql-transport-ws) take the header editor's content as their connection parameters.
const newFetcher = () => GraphiQL.createFetcher({ url: '/graphql', subscriptionUrl: socket.href });

function tokenIn(headers) {
  try {
    return JSON.parse(headers).Authorization;
  } catch {
    return undefined; // still being typed
  }
}

function Page() {
  const [fetcher, setFetcher] = React.useState(newFetcher);
  const typed = React.useRef({ token: undefined, pause: undefined });

  // The schema needs a token too. GraphiQL asks for it when it gets a fetcher, so with another token it gets another one, once the typing has paused.
  const onEditHeaders = React.useCallback((headers) => {
    const token = tokenIn(headers);
    if (token === undefined || token === typed.current.token) return;
    typed.current.token = token;
    clearTimeout(typed.current.pause);
    typed.current.pause = setTimeout(() => setFetcher(newFetcher), 300);
  }, []);

  return React.createElement(GraphiQL, {
    fetcher,
    onEditHeaders,
    defaultQuery: '{ viewer { roles } }\n',
    defaultHeaders: '{\n  "Authorization": "Bearer "\n}\n',
    defaultEditorToolsVisibility: 'headers',
    // Queries and variables may name patients: what was typed goes with the tab.
    storage: sessionStorage,
  });
}

ReactDOM.createRoot(document.getElementById('graphiql')).render(React.createElement(Page));
