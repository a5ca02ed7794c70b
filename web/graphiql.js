'use strict';

const socket = new URL('/graphql/ws', location.href);
socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

// Subscriptions (graphql-transport-ws) take the header editor's content as their connection parameters.
const fetcher = GraphiQL.createFetcher({ url: '/graphql', subscriptionUrl: socket.href });

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: '{ viewer { roles } }\n',
    defaultHeaders: '{\n  "Authorization": "Bearer "\n}\n',
    defaultEditorToolsVisibility: 'headers',
    // Queries and variables may name patients: what was typed goes with the tab.
    storage: sessionStorage,
  }),
);
